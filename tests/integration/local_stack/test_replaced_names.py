from cadence.local.ministack.replaced_names import with_names

AROUND = "its own"


def around(more: str = "!", *, end: str = ".") -> str:
    return AROUND + more + end


def test_only_the_copy_sees_another_name() -> None:
    other = with_names(around, AROUND="another")
    assert (other(), other("?"), around()) == ("another!.", "another?.", "its own!.")
