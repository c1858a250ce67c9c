"""Headless Chromium for looking at pages: fresh profile, no network of its own.

python -m scripts.chromium      # is there one? Selenium downloads one if not
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from selenium.common import NoSuchDriverException, WebDriverException
from selenium.webdriver import Chrome, ChromeOptions, ChromeService

from scripts.command import program

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
)


@contextmanager
def open_chromium(
    width: int, height: int, *, dark: bool = False, still: bool = False
) -> Iterator[Chrome]:
    """Open a window of `width` by `height` CSS pixels.

    Args:
        width: Of the page, also below the 500 pixels that windows have at least.
        height: Of the page.
        dark: Ask pages for their dark colours.
        still: Ask pages for less motion.

    Raises:
        RuntimeError: There is none, and it cannot be downloaded, or it does not start.
    """
    service, options = ChromeService(), ChromeOptions()
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if browser and driver:
        service, options.binary_location = ChromeService(driver), browser
    os.environ.setdefault("SE_AVOID_STATS", "true")  # else Selenium reports its use
    with TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        for flag in (*FLAGS, f"--user-data-dir={profile}/profile"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        page = _start(options, service)
        try:
            page.execute_cdp_cmd(
                "Emulation.setDeviceMetricsOverride",
                {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500},
            )
            features = {
                "prefers-color-scheme": "dark" if dark else "light",
                "prefers-reduced-motion": "reduce" if still else "no-preference",
            }
            page.execute_cdp_cmd(
                "Emulation.setEmulatedMedia",
                {"features": [{"name": n, "value": v} for n, v in features.items()]},
            )
            yield page
        finally:
            page.quit()


def _start(options: ChromeOptions, service: ChromeService) -> Chrome:
    try:
        return Chrome(options=options, service=service)
    except NoSuchDriverException:
        raise RuntimeError(
            "not found, and Selenium cannot download one; install chromium and a chromedriver of "
            "the same version (on Debian: apt-get install chromium chromium-driver)"
        ) from None
    except WebDriverException as error:
        raise RuntimeError(f"does not start: {error.msg}".partition("\n")[0]) from error


@program("chromium")
def main() -> int:
    """Open an empty page."""
    with open_chromium(800, 600):
        return 0


if __name__ == "__main__":
    sys.exit(main())
