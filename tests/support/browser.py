"""A real browser for the pages that the project writes: Chromium, headless, through its driver."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
LOCAL = ("file:", "data:", "blob:", "about:", "chrome:")


@contextmanager
def chromium(width: int = 1200, height: int = 900) -> Iterator:
    """A driver whose page is `width` by `height` CSS pixels; console and network are recorded.

    Skips where there is no Chromium or no driver, unless CI is set: there the tests must run.
    """
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    driver_path = shutil.which("chromedriver")
    if not (browser and driver_path):
        reason = "needs chromium and chromedriver (Debian: chromium, chromium-driver)"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    options.add_argument("--enable-unsafe-swiftshader")  # WebGL without a graphics card
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(driver_path))
    try:
        resize(driver, width, height)
        yield driver
    finally:
        driver.quit()


def resize(driver, width: int, height: int = 900) -> None:
    """Give the page another size; a window cannot be made narrower than about 500 pixels."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def scheme(driver, name: str) -> None:
    """What the page is told that its reader prefers: light or dark."""
    preferred = [{"name": "prefers-color-scheme", "value": name}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": preferred})


def complaints(driver) -> list[str]:
    """Errors that the page has written to the console since the last call."""
    entries = driver.get_log("browser")
    return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]


def requests(driver) -> list[str]:
    """What the page has asked for since the last call, other than from itself and the disk."""
    said = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    sent = [event for event in said if event["method"] == "Network.requestWillBeSent"]
    urls = [event["params"]["request"]["url"] for event in sent]
    return [url for url in urls if not url.startswith(LOCAL)]
