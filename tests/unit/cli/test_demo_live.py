"""`holysheep demo --live`."""

from support.cli import run


def test_live_demo_says_what_is_missing_without_a_key():
    result = run("demo", "--live", HOLYSHEEP_API_KEY="")
    assert result.returncode == 1
    assert "HOLYSHEEP_API_KEY is not set" in result.stdout


def test_live_demo_runs_against_any_server(play):
    script = play(text="Merino, Suffolk, Dorset.")
    result = run("demo", "--live", HOLYSHEEP_API_KEY="k", HOLYSHEEP_BASE_URL=script.base_url)
    assert result.returncode == 0, result.stdout
    assert "Merino, Suffolk, Dorset." in result.stdout
