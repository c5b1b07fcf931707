"""River: Lethe as the regressor of a pipeline, compared with River's own linear model.

Needs River (pip install "lethe-ml[river]"). Run: python examples/river_pipeline.py
"""

from river import compose, datasets, linear_model, metrics, preprocessing

from lethe.adapters.river import LetheRegressor

own_scales = compose.Discard("ordinal_date") | LetheRegressor(seed=1)
linear = (
    compose.Discard("ordinal_date")
    | preprocessing.StandardScaler()
    | linear_model.LinearRegression(intercept_lr=0.1)
)
errors = {name: metrics.MAE() for name in ("Lethe", "River's linear regression", "last value")}
last = None
for features, approval in datasets.TrumpApproval():
    if last is not None:
        errors["last value"].update(approval, last)
        errors["Lethe"].update(approval, own_scales.predict_one(features))
        errors["River's linear regression"].update(approval, linear.predict_one(features))
    own_scales.learn_one(features, approval)
    linear.learn_one(features, approval)
    last = approval

for name, error in errors.items():
    print(f"{name:28s} mean absolute error {error.get():.3f}")
