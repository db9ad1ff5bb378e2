"""Files from outside are read up to a bound."""

from pathlib import Path

import pytest

from text_input.files import UnusableFileError, read_bytes, read_text


def test_a_file_of_the_limit_is_read_and_a_longer_one_is_not(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"12345")
    assert read_bytes(file, 5) == b"12345"
    with pytest.raises(UnusableFileError, match="is longer than 4 bytes"):
        read_bytes(file, 4)


@pytest.mark.parametrize("endless", ["/dev/zero", "/dev/urandom"])
def test_an_endless_file_is_not_read_to_its_end(endless: str) -> None:
    with pytest.raises(UnusableFileError) as caught:
        read_text(Path(endless), 1000)
    assert not caught.value.missing


def test_a_missing_file_and_one_that_is_not_text_are_named(tmp_path: Path) -> None:
    file = tmp_path / "x"
    with pytest.raises(UnusableFileError, match="cannot read") as caught:
        read_text(file, 10)
    assert caught.value.missing
    file.write_bytes(b"ab\xff")
    with pytest.raises(UnusableFileError, match="is not UTF-8 text in line 1") as caught:
        read_text(file, 10)
    assert str(file) in str(caught.value)
