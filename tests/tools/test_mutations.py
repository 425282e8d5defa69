"""The mistakes that can be planted in a source."""

from tools.mutations import mutations


def told(source: str) -> list[str]:
    return [mutation.what for mutation in mutations(source)]


def test_comparisons_sums_conditions_and_results_are_changed() -> None:
    source = "def f(a: int, b: int) -> int | None:\n    if a < b:\n        return a + 1\n    return None\n"
    assert told(source) == [
        "a < b -> a <= b",
        "if a < b: return a + 1 -> if False: return a + 1",
        "if a < b: return a + 1 -> if True: return a + 1",
        "1 -> 2",
        "a + 1 -> a - 1",
        "return a + 1 -> return None",
    ]


def test_calls_with_an_effect_are_taken_out_and_smallest_becomes_largest() -> None:
    assert told("def f(a):\n    a.clear()\n    a.add(min(a))\n") == [
        "a.clear() -> pass",
        "a.add(min(a)) -> pass",
        "min(a) -> max(a)",
    ]


def test_a_not_is_taken_back() -> None:
    assert told("x = not y\n") == ["not y -> not not y"]


def test_one_operand_less_or_the_other_word_between_them() -> None:
    assert told("x = a and b\n") == ["a and b -> a", "a and b -> a or b", "a and b -> b"]


def test_what_does_nothing_at_run_time_is_left_alone() -> None:
    source = (
        '"""A text of 3 words."""\n'
        "import a\n\n\n"
        "class B(Struct, frozen=True):\n"
        '    """A thing."""\n'
        "    size: Literal[3]\n\n\n"
        "def f(b: Literal[1]) -> Literal[2]:\n"
        "    first = b\n"
        "    assert_never(first)\n"
    )
    assert told(source) == []


def test_every_mistake_leaves_all_else_as_it_was() -> None:
    source = "def f(a: int) -> int:\n    return max(a, 1) - 2\n"
    found = mutations(source)
    assert len({mutation.source for mutation in found}) == len(found) == 5
    assert {mutation.line for mutation in found} == {2}
    assert source not in {mutation.source for mutation in found}
