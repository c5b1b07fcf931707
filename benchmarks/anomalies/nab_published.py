"""What the Numenta Anomaly Benchmark has published, from https://github.com/numenta/NAB.

The scoreboard is that of its README; the scores by series are those of its windowed Gaussian in
results/windowedGaussian/windowedGaussian_standard_scores.csv, at the threshold 1.0. Their sum is
-24.013, which makes 39.6 of 100, because 116 windows would give -116 if none were found.
"""

from __future__ import annotations

__all__ = ["SCOREBOARD", "STANDARD_SCORES"]

#: Standard profile, reward_low_FP_rate, reward_low_FN_rate.
SCOREBOARD = {
    "ARTime": (74.9, 65.1, 80.4),
    "Numenta HTM, NuPIC 0.5.6": (70.1, 63.1, 74.3),
    "CAD OSE": (69.9, 67.0, 73.2),
    "KNN CAD": (58.0, 43.4, 64.8),
    "Random Cut Forest of AWS": (51.7, 38.4, 59.7),
    "Windowed Gaussian": (39.6, 20.9, 47.4),
}

STANDARD_SCORES = {
    "artificialNoAnomaly/art_daily_no_noise.csv": 0.0,
    "artificialNoAnomaly/art_daily_perfect_square_wave.csv": 0.0,
    "artificialNoAnomaly/art_daily_small_noise.csv": 0.0,
    "artificialNoAnomaly/art_flatline.csv": 0.0,
    "artificialNoAnomaly/art_noisy.csv": 0.0,
    "artificialWithAnomaly/art_daily_flatmiddle.csv": -1.0,
    "artificialWithAnomaly/art_daily_jumpsdown.csv": -1.0,
    "artificialWithAnomaly/art_daily_jumpsup.csv": -1.0,
    "artificialWithAnomaly/art_daily_nojump.csv": -1.0,
    "artificialWithAnomaly/art_increase_spike_density.csv": -1.0,
    "artificialWithAnomaly/art_load_balancer_spikes.csv": -0.692444609523,
    "realAWSCloudwatch/ec2_cpu_utilization_24ae8d.csv": -1.26667875935,
    "realAWSCloudwatch/ec2_cpu_utilization_53ea38.csv": -0.141423196117,
    "realAWSCloudwatch/ec2_cpu_utilization_5f5533.csv": -2.0,
    "realAWSCloudwatch/ec2_cpu_utilization_77c1ca.csv": -1.0,
    "realAWSCloudwatch/ec2_cpu_utilization_825cc2.csv": 0.956537840284,
    "realAWSCloudwatch/ec2_cpu_utilization_ac20cd.csv": 0.86067182427,
    "realAWSCloudwatch/ec2_cpu_utilization_c6585a.csv": -1.32,
    "realAWSCloudwatch/ec2_cpu_utilization_fe7f93.csv": 0.638757791772,
    "realAWSCloudwatch/ec2_disk_write_bytes_1ef3de.csv": -4.19089678552,
    "realAWSCloudwatch/ec2_disk_write_bytes_c0d644.csv": -1.09599853032,
    "realAWSCloudwatch/ec2_network_in_257a54.csv": 0.86067182427,
    "realAWSCloudwatch/ec2_network_in_5abac7.csv": -3.52193223519,
    "realAWSCloudwatch/elb_request_count_8c0756.csv": -0.138449197924,
    "realAWSCloudwatch/grok_asg_anomaly.csv": 2.37942230674,
    "realAWSCloudwatch/iio_us-east-1_i-a2eb1cd9_NetworkIn.csv": -2.0,
    "realAWSCloudwatch/rds_cpu_utilization_cc0c53.csv": -0.138449197924,
    "realAWSCloudwatch/rds_cpu_utilization_e47b3b.csv": -0.138449197924,
    "realAdExchange/exchange-2_cpc_results.csv": -1.0,
    "realAdExchange/exchange-2_cpm_results.csv": -2.0,
    "realAdExchange/exchange-3_cpc_results.csv": 2.50266326119,
    "realAdExchange/exchange-3_cpm_results.csv": 0.862098587352,
    "realAdExchange/exchange-4_cpc_results.csv": 0.292288463428,
    "realAdExchange/exchange-4_cpm_results.csv": 1.27471036268,
    "realKnownCause/ambient_temperature_system_failure.csv": -2.0,
    "realKnownCause/cpu_utilization_asg_misconfiguration.csv": -1.11,
    "realKnownCause/ec2_request_latency_system_failure.csv": 2.02150685678,
    "realKnownCause/machine_temperature_system_failure.csv": -4.0,
    "realKnownCause/nyc_taxi.csv": -5.0,
    "realKnownCause/rogue_agent_key_hold.csv": -2.44,
    "realKnownCause/rogue_agent_key_updown.csv": -1.3964908955,
    "realTraffic/TravelTime_387.csv": -1.79598133079,
    "realTraffic/TravelTime_451.csv": -1.0,
    "realTraffic/occupancy_6005.csv": -1.0,
    "realTraffic/occupancy_t4013.csv": 1.72522152023,
    "realTraffic/speed_6005.csv": 0.832538201468,
    "realTraffic/speed_7578.csv": 3.47059145681,
    "realTraffic/speed_t4013.csv": 1.76631783122,
    "realTweets/Twitter_volume_AAPL.csv": 1.51399683626,
    "realTweets/Twitter_volume_AMZN.csv": 1.55848299457,
    "realTweets/Twitter_volume_CRM.csv": 0.763845764094,
    "realTweets/Twitter_volume_CVS.csv": 0.773682061394,
    "realTweets/Twitter_volume_FB.csv": 0.119750278191,
    "realTweets/Twitter_volume_GOOG.csv": -0.146777355167,
    "realTweets/Twitter_volume_IBM.csv": -0.799109479229,
    "realTweets/Twitter_volume_KO.csv": -0.914196106944,
    "realTweets/Twitter_volume_PFE.csv": 0.26557999349,
    "realTweets/Twitter_volume_UPS.csv": -2.2051646682,
}
