"""Simulated customers of a telephone company, so that everything runs before your own data does. Yours to delete."""

from datetime import date

import numpy as np
import pandas as pd

REGIONS = ["north", "east", "south", "west"]
CONTRACTS = ["monthly", "one year", "two years"]
PAYMENTS = ["card", "direct debit", "invoice"]


def simulate(
    customers: int,
    start: date,
    days: int,
    seed: int,
    data_drift_from: date | None = None,
    concept_drift_from: date | None = None,
) -> pd.DataFrame:
    """Return one row per customer, in order of time.

    Args:
        customers: number of rows.
        start: first day of observation.
        days: length of the observation, spread evenly over the customers.
        seed: equal seeds give equal customers.
        data_drift_from: from this day on prices are higher, the south has grown and the survey is answered less.
        concept_drift_from: from this day on price alone, no longer service, makes customers leave, also those with a contract.
    """
    rng = np.random.default_rng(seed)
    time = pd.to_datetime(start) + pd.to_timedelta(np.arange(customers) * days / customers, unit="D").round("s")
    drifted = _since(time, data_drift_from)
    frame = pd.DataFrame(
        {
            "customer_id": [f"C{number:07d}" for number in rng.permutation(customers)],
            "event_timestamp": time.astype("datetime64[us]"),
            "tenure_months": rng.gamma(2.0, 14.0, customers).clip(0, 240).round(),
            "monthly_charge": (rng.gamma(9.0, 6.0, customers) * np.where(drifted, 1.3, 1.0)).clip(5, 400).round(2),
            "support_calls": rng.poisson(1.4, customers),
            "data_usage_gb": rng.lognormal(2.2, 0.7, customers).round(2),
            "satisfaction": rng.choice(5, customers, p=[0.07, 0.13, 0.25, 0.35, 0.2]) + 1.0,
            "contract": rng.choice(CONTRACTS, customers, p=[0.55, 0.25, 0.2]),
            "payment": rng.choice(PAYMENTS, customers, p=[0.4, 0.4, 0.2]),
            "region": np.where(drifted & (rng.random(customers) < 0.5), "south", rng.choice(REGIONS, customers)),
        }
    )
    leaves = rng.random(customers) < _churn_probability(frame, _since(time, concept_drift_from))
    frame["churned"] = leaves.astype("int64")
    frame["customer_value"] = _value(frame, rng)
    frame.loc[rng.random(customers) < 0.05, "data_usage_gb"] = np.nan
    frame.loc[rng.random(customers) < np.where(drifted, 0.6, 0.3), "satisfaction"] = np.nan
    return frame


def _since(time: pd.DatetimeIndex, day: date | None) -> np.ndarray:
    return np.zeros(len(time), dtype=bool) if day is None else np.asarray(time >= pd.Timestamp(day))


def _churn_probability(frame: pd.DataFrame, drifted: np.ndarray) -> np.ndarray:
    """Return the probability that each customer leaves within a year; more leave around the turn of the year.

    Most causes are steps, or depend on each other, as they do among customers: a high price per gigabyte drives away only
    those whose contract lets them go. So trees learn more from this data than a linear model does.
    """
    season = 0.3 * np.cos(2 * np.pi * frame["event_timestamp"].dt.dayofyear / 365.25)
    trouble = 2.6 * (frame["support_calls"] >= 3) + 2.0 * (frame["satisfaction"] <= 2)
    price_per_gb = frame["monthly_charge"] / (frame["data_usage_gb"] + 1)
    price = 1.2 * (frame["monthly_charge"] > 65) + 2.6 * ((price_per_gb > 7) & (frame["contract"] == "monthly"))
    binding = frame["contract"].map({"monthly": 0.0, "one year": -1.6, "two years": -2.6})
    habit = 2.0 * np.exp(-frame["tenure_months"] / 8) - 0.3 * (frame["payment"] == "direct debit")
    logit = -2.6 + season + habit + np.where(drifted, 3 * price - 0.5 * binding - 2.6, trouble + price + binding)
    return 1 / (1 + np.exp(-logit.to_numpy()))


def _value(frame: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Return what each customer will pay in the next twelve months; those who leave do so at some time of the year."""
    months = np.where(frame["churned"] == 1, 12 * rng.beta(2, 2, len(frame)), 12)
    extras = 1 + 0.05 * np.log1p(frame["data_usage_gb"]) * rng.gamma(4, 0.25, len(frame))
    return (frame["monthly_charge"] * extras * months).round(2).to_numpy()
