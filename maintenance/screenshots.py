"""Make `pages.png` again: report, model card and server of a new level 1 project, as its users see them.

From the root of the repository: `uv run --with pillow python maintenance/screenshots.py`. It renders the last commit with
default answers, runs the pipeline and promotes the model, which takes minutes; `--project FOLDER` takes one where that is done.
"""

import argparse
import io
import shutil
import socket
import subprocess
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from PIL import Image  # pyrefly: ignore[missing-import]: `--with pillow`
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs/images/pages.png"
STEPS = [
    "git init --quiet --initial-branch main && uv sync --quiet && git add .",
    "git -c user.name=Ada -c user.email=ada@example.com commit --quiet --message 'Start from copier-mlops'",
    "uv run poe pipeline",
    "git add . && git -c user.name=Ada -c user.email=ada@example.com commit --quiet --message 'First model'",
    "uv run poe promote --version challenger --approved-by 'Ada Lovelace'",
]
SCALE = 2  # pixels of the picture for each pixel of a page: it is shown at half its size
WIDTH = 480  # of a page: narrow, so that its text stays readable at that size
TALL, SHORT = 1210, 580
COLORS = 128
PATIENCE_SECONDS = 60
LAYOUT = """
<style>
  body {{ margin: 0; padding: 16px; background: #e3eef7; font-family: sans-serif; color: #123 }}
  main {{ columns: 2; column-gap: 16px; width: {width}px }}
  figure {{ margin: 0 0 16px; break-inside: avoid }}
  figcaption {{ height: 34px; font-size: 18px; font-weight: 600 }}
  img {{ display: block; width: {column}px; border-radius: 6px }}
</style>
<main>{figures}</main>
"""


def make_project(folder: Path) -> Path:
    """Render a level 1 project, run its pipeline and promote the model."""
    new = ["copier-mlops", "new", folder, "--template", ROOT, "--vcs-ref", "HEAD", "--level", "1", "--defaults"]
    subprocess.run(list(map(str, new)), check=True)
    for step in STEPS:
        subprocess.run(step, shell=True, cwd=folder, check=True)
    return folder


@contextmanager
def serving(project: Path) -> Iterator[str]:
    """Serve the champion and yield the address of the server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(["uv", "run", "poe", "serve", "--port", str(port)], cwd=project)
    try:
        until = time.monotonic() + PATIENCE_SECONDS
        while not is_ready(url):
            if time.monotonic() > until:
                raise TimeoutError(f"{url} is not ready after {PATIENCE_SECONDS} s")
            time.sleep(0.5)
        yield url
    finally:
        server.terminate()
        server.wait()


def is_ready(url: str) -> bool:
    """Return whether the server can predict."""
    try:
        with urlopen(f"{url}/v2/health/ready") as answer:
            return answer.status == 200
    except (URLError, ConnectionError):
        return False


def screenshot(page: Page, height: int, top: float = 0) -> bytes:
    """Return a picture of a part of the page."""
    return page.screenshot(full_page=True, clip={"x": 0, "y": top, "width": WIDTH, "height": height})


def predict(page: Page) -> float:
    """Send the example of the server's page, and return where its answer begins."""
    page.get_by_role("button", name="POST /predict").first.click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    page.locator(".live-responses-table .response").first.wait_for()
    return page.evaluate("document.querySelector('.live-responses-table').getBoundingClientRect().top + scrollY") - 40


def pictures(browser: Browser, project: Path) -> Iterator[tuple[str, bytes]]:
    """Yield a caption and a picture of each page, in the order of the columns."""
    page = browser.new_page(viewport={"width": WIDTH, "height": SHORT}, device_scale_factor=SCALE)
    page.goto((project / "reports/index.html").as_uri())
    yield "reports/index.html: the report of a run", screenshot(page, TALL)
    page.goto((project / "reports/model_card.html").as_uri())
    yield "reports/model_card.html: its model card", screenshot(page, SHORT)
    with serving(project) as url:
        page.goto(f"{url}/docs")
        top = predict(page)
        yield "poe serve: predictions, tried on its page /docs", screenshot(page, SHORT, top)


def compose(browser: Browser, found: list[tuple[str, bytes]]) -> bytes:
    """Return one picture of all."""
    figures = "".join(
        f"<figure><figcaption>{caption}</figcaption>"
        f'<img src="data:image/png;base64,{b64encode(picture).decode()}"></figure>'
        for caption, picture in found
    )
    width = 2 * WIDTH + 16
    page = browser.new_page(viewport={"width": width + 32, "height": SHORT}, device_scale_factor=SCALE)
    page.set_content(LAYOUT.format(width=width, column=WIDTH, figures=figures))
    return page.screenshot(full_page=True)


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", type=Path, help="a project with a champion")
    given = parser.parse_args().project
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        project = given.resolve() if given else make_project(Path(name, "customer-churn"))
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        picture = Image.open(io.BytesIO(compose(browser, list(pictures(browser, project)))))
        browser.close()
    picture.convert("RGB").quantize(COLORS).save(PICTURE, optimize=True)
    print(f"{PICTURE}: {picture.size}, {PICTURE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
