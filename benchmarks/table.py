"""The README's table: lethe bench --json | python benchmarks/table.py."""

import json
import sys


def main() -> None:
    record = json.load(sys.stdin)
    print("| one learning step | µs | ratio |\n|---|---:|---:|")
    network = ""
    for row in record["rows"]:
        if row["network"] != network:
            network = row["network"]
            print(f"| **{network}** | | |")
        print(
            f"| {row['contestant']} | {row['microseconds_per_step']:,.3g} | {row['ratio']:,.3g} |"
        )
    peers = ", ".join(f"{peer} {there}" for peer, there in record["peers"].items() if there)
    print(
        f"\n{record['machine']}, one thread, {record['dtype']}, {record['instruction_set']}; "
        f"lethe {record['version']}, {peers}; medians of {record['rounds']} rounds in turn."
    )


if __name__ == "__main__":
    main()
