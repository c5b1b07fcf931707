"""The parts of a model, chosen once: its predictor, and an encoder that has seen no event."""

from __future__ import annotations

import numpy as np

from lethe.model.classes import SYMBOL, ClassPredictor
from lethe.model.encoder import Encoder
from lethe.model.holidays import HolidayColumns
from lethe.model.numbers import NumberPredictor
from lethe.model.parameters import Parameters
from lethe.model.predictor import Predictor

__all__ = ["first_predictor", "new_encoder"]


def class_column(parameters: Parameters) -> str | None:
    """The column of classes or symbols; None where numbers are predicted."""
    if parameters.task == "regression":
        return None
    return SYMBOL if parameters.task == "symbols" else parameters.target[0]


def new_encoder(parameters: Parameters) -> Encoder:
    """An encoder that has seen no event."""
    given, numbers = parameters.holidays, parameters.task == "regression"
    encoder = Encoder(
        parameters.time,
        parameters.categories,
        parameters.new_columns,
        "missing" if parameters.bad == "missing" else "raise",
        # A stream of classes does not know when the next event comes.
        None if given is None else HolidayColumns(given, parameters.horizon if numbers else 0),
    )
    column = class_column(parameters)
    if column is not None:
        encoder.declare(column)
    return encoder


def first_predictor(
    parameters: Parameters,
    generator: np.random.Generator,
    event: object,
    later: tuple[str, ...] = (),
) -> Predictor:
    """The predictor of a stream that begins with this event; of `later`, see `NumberPredictor`.

    Raises
    ------
    ValueError
        If the event cannot be read.
    """
    encoder, column = new_encoder(parameters), class_column(parameters)
    if column is None:
        return NumberPredictor.first(parameters, encoder, generator, event, later)
    return ClassPredictor.first(parameters, column, encoder, generator, event)
