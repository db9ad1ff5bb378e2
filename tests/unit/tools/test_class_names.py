from pathlib import Path

import pytest

from tools import class_names


def test_class_with_two_definitions_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / "one.py", tmp_path / "two.py"]
    for file in files:
        file.write_text(f"class Same: ...\nclass Only{file.stem}: ...\n", encoding="utf-8")
    monkeypatch.setattr(class_names, "tracked", lambda: files)
    monkeypatch.setattr(class_names, "EXCEPTIONS", {"Old": "no reason"})
    assert class_names.main() == 1
    assert capsys.readouterr().out == f"Same: {files[0]}, {files[1]}\nOld: remove the exception\n"


def test_at_most_ten_exceptions_each_with_a_reason() -> None:
    assert len(class_names.EXCEPTIONS) <= 10
    assert all(class_names.EXCEPTIONS.values())


def test_repository_defines_each_class_once() -> None:
    assert class_names.main() == 0
