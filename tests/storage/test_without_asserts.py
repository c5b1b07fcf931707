"""Under `python -O` there are no asserts; nothing that works may depend on one."""

from support.without_asserts import difference


def test_models_and_networks_answer_the_same_without_asserts() -> None:
    assert difference() == ""
