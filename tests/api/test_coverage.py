from emulator.api.coverage import DOCUMENT, replaced, section


def test_the_document_says_what_is_built() -> None:
    text = DOCUMENT.read_text()
    assert replaced(text) == text, "run: python -m emulator.api.coverage"


def test_other_sections_are_left_alone() -> None:
    document = "# Title\n\n## Lambda API\n\nold\n\n## Others\n\ntext\n"
    assert replaced(document) == f"# Title\n\n{section()}\n## Others\n\ntext\n"
    assert replaced(replaced(document)) == replaced(document)
    assert replaced("# Title\n") == f"# Title\n\n{section()}"
