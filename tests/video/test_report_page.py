"""The page in Chromium, opened from disk: seeking, keyboard, filters, download, small screens."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from scripts.chromium import open_chromium
from tests.video.documents import frame, person, pose, write_results, write_video
from video.report import write_report

NASTY = '=1+1,"</script>'
PATIENCE = 60  # seconds; the machine may be busy


def frames() -> list[dict[str, Any]]:
    """Two persons for four seconds; the second has another action in every second."""
    one = person(1, "walking", 0.8, pose25d=pose(40, 60, 100))
    return [
        frame(
            n, [one, person(2, ["sit", "stand", NASTY, "sit"][n // 25], pose25d=pose(200, 60, 100))]
        )
        for n in range(100)
    ]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Addresses of the same results with a video inside, beside, and without one."""
    folder = tmp_path_factory.mktemp("pages with #")
    results = write_results(folder / "r.json", frames())
    clip = write_video(folder / "in.mp4", 100, (320, 240))
    write_report(results, folder / "video.html", clip)
    write_report(results, folder / "blank.html", rate=25, frame_size=(320, 240))
    write_report(results, folder / "long.html", rate=0.1, frame_size=(320, 240))
    local = [person(1, "a;=1", 1.0, pose25d=pose(40, 60, 100)), person(2, "＝1", 1.0)]
    cells = write_results(folder / "cells.json", [frame(n, local) for n in range(9)])
    write_report(cells, folder / "cells.html", rate=25, frame_size=(320, 240))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("video.report.page.LARGEST_EMBEDDED", 1000)
        write_report(results, folder / "linked.html", clip)
    return {
        name: (folder / f"{name}.html").as_uri()
        for name in ("video", "blank", "linked", "long", "cells")
    }


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chrome]:
    with open_chromium(1280, 900) as browser:
        yield browser


Open = Callable[[str], Chrome]


@pytest.fixture
def open_page(chromium: Chrome, pages: dict[str, str]) -> Iterator[Open]:
    """Opens a page by its name; the console must stay empty."""

    def opened(name: str) -> Chrome:
        chromium.get("about:blank")
        chromium.get_log("browser")
        chromium.get(pages[name])
        if name in ("video", "linked"):
            wait(chromium, "return document.querySelector('video').readyState >= 2")
        return chromium

    yield opened
    assert chromium.get_log("browser") == []


def wait(page: Chrome, script: str) -> None:
    WebDriverWait(page, PATIENCE).until(lambda p: p.execute_script(script))


def segment(page: Chrome, text: str) -> Any:
    return page.find_element(By.CSS_SELECTOR, f".track button[aria-label*='{text}']")


def playhead(page: Chrome) -> float:
    """Seconds at which the playhead stands, by its place on the screen."""
    at: float = page.execute_script(
        "const head = document.getElementById('playhead').getBoundingClientRect();"
        "const track = document.querySelector('.track').getBoundingClientRect();"
        "return 4 * (head.left + head.width / 2 - track.left) / track.width"
    )
    return at


def is_at(page: Chrome, seconds: float) -> None:
    WebDriverWait(page, PATIENCE).until(lambda p: abs(playhead(p) - seconds) < 0.03)


@pytest.mark.parametrize("name", ["video", "linked", "blank"])
def test_a_click_on_a_segment_goes_there(open_page: Open, name: str) -> None:
    page = open_page(name)
    is_at(page, 0)
    segment(page, "stand").click()
    is_at(page, 1)
    if name != "blank":
        wait(page, "return Math.abs(document.querySelector('video').currentTime - 1) < 0.01")
    now = page.find_element(By.ID, "now").text
    assert "walking 80 %" in now
    assert "stand 90 %" in now
    assert [r.text.split()[1] for r in page.find_elements(By.CSS_SELECTOR, "tr.current")] == [
        "walking",
        "stand",
    ]


def test_the_canvas_shows_each_moment(open_page: Open) -> None:
    page = open_page("blank")
    snap = "return document.querySelector('canvas').toDataURL()"
    wait(page, "return document.querySelector('canvas').width > 100")
    before = page.execute_script(snap)
    segment(page, "stand").click()
    is_at(page, 1)
    assert page.execute_script(snap) != before  # the label says something else
    colours = page.execute_script(
        "const c = document.querySelector('canvas');"
        "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "const seen = new Set();"
        "for (let i = 0; i < d.length; i += 4) seen.add(`${d[i]},${d[i + 1]},${d[i + 2]}`);"
        "return [...seen]"
    )
    assert {"86,180,233", "230,159,0", "35,40,49"} <= set(colours)  # left, right, ground


@pytest.mark.parametrize("name", ["video", "blank"])
def test_playing_moves_the_playhead_to_the_end(open_page: Open, name: str) -> None:
    page = open_page(name)
    button = page.find_element(By.ID, "play")
    segment(page, "0:03.0 to").click()
    is_at(page, 3)
    page.execute_script(
        "const play = document.getElementById('play'); window.told = [];"
        "const note = () => window.told.push(play.getAttribute('aria-label'));"
        "new MutationObserver(note).observe(play, { attributeFilter: ['aria-label'] })"
    )
    button.click()
    wait(page, "return window.told.includes('Pause')")  # for a second only
    WebDriverWait(page, PATIENCE).until(lambda p: playhead(p) > 3.9)
    WebDriverWait(page, PATIENCE).until(lambda p: button.get_attribute("aria-label") == "Play")


def test_everything_works_by_keyboard(open_page: Open) -> None:
    page = open_page("blank")
    keys = ActionChains(page)
    for _ in range(30):
        keys.send_keys(Keys.TAB).perform()
        focused = page.switch_to.active_element
        if (focused.get_attribute("aria-label") or "").startswith("Person 2, "):
            break
    assert focused.get_attribute("aria-label") == "Person 2, sit, 0:00.0 to 0:01.0, 90 %"
    keys.send_keys(Keys.ARROW_RIGHT, Keys.ENTER).perform()
    is_at(page, 1)
    ActionChains(page).send_keys(Keys.END, Keys.ENTER).perform()
    is_at(page, 3)
    ActionChains(page).send_keys(Keys.ARROW_UP, Keys.ENTER).perform()
    is_at(page, 0)
    ActionChains(page).send_keys("..").perform()
    is_at(page, 0.08)
    ActionChains(page).send_keys(",").perform()
    is_at(page, 0.04)
    slider = page.find_element(By.ID, "scrub")
    slider.send_keys(Keys.END)
    is_at(page, 3.98)
    row = page.find_element(By.CSS_SELECTOR, "td button[aria-label*='stand']")
    row.send_keys(Keys.ENTER)
    is_at(page, 1)
    page.find_element(By.TAG_NAME, "h1").click()
    ActionChains(page).send_keys(" ").perform()
    WebDriverWait(page, PATIENCE).until(lambda p: playhead(p) > 1.1)


def test_a_long_timeline_goes_along(open_page: Open) -> None:
    page = open_page("long")  # 1000 seconds
    seen = (
        "const head = document.getElementById('playhead').getBoundingClientRect();"
        "const reel = document.querySelector('.reel').getBoundingClientRect();"
        "return head.left >= reel.left && head.right <= reel.right"
    )
    wide = (
        "const reel = document.querySelector('.reel'); return reel.scrollWidth - reel.clientWidth"
    )
    assert page.execute_script(wide) > 2000
    page.find_elements(By.CSS_SELECTOR, "td button")[-1].click()
    is_at(page, 3)
    wait(page, seen)


def rows(page: Chrome) -> list[list[str]]:
    found = page.find_elements(By.CSS_SELECTOR, "#rows tr")
    return [[cell.text for cell in row.find_elements(By.TAG_NAME, "td")] for row in found]


def test_the_table_and_the_filters(open_page: Open) -> None:
    page = open_page("blank")
    assert rows(page) == [
        ["1", "walking", "0:00.0", "0:04.0", "80 %"],
        ["2", "sit", "0:00.0", "0:01.0", "90 %"],
        ["2", "stand", "0:01.0", "0:02.0", "90 %"],
        ["2", NASTY, "0:02.0", "0:03.0", "90 %"],
        ["2", "sit", "0:03.0", "0:04.0", "90 %"],
    ]
    chip = page.find_element(By.XPATH, "//div[@id='actions']/button[text()='sit']")
    chip.click()
    assert chip.get_attribute("aria-pressed") == "true"
    assert [row[1] for row in rows(page)] == ["sit", "sit"]
    assert page.find_element(By.ID, "count").text == "2 of 5"
    assert not segment(page, "walking").is_displayed()
    chip.click()
    who = page.find_element(By.ID, "who")
    who.send_keys("1")
    assert [row[0] for row in rows(page)] == ["1"]
    assert not segment(page, "stand").is_displayed()
    assert segment(page, "walking").is_displayed()


def test_the_csv_holds_what_is_shown(open_page: Open, tmp_path: Path) -> None:
    page = open_page("blank")
    page.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)}
    )
    page.find_element(By.ID, "who").send_keys("2")
    page.find_element(By.ID, "download").click()
    WebDriverWait(page, PATIENCE).until(lambda _: (tmp_path / "r.csv").exists())
    table = list(csv.reader(io.StringIO((tmp_path / "r.csv").read_text(encoding="utf-8"))))
    assert table == [
        ["person", "action", "start_s", "end_s", "first_frame", "last_frame", "score"],
        ["2", "sit", "0", "1", "0", "24", "0.9"],
        ["2", "stand", "1", "2", "25", "49", "0.9"],
        ["2", f"'{NASTY}", "2", "3", "50", "74", "0.9"],
        ["2", "sit", "3", "4", "75", "99", "0.9"],
    ]


def test_a_cell_of_the_csv_is_one_text_in_any_spreadsheet(open_page: Open, tmp_path: Path) -> None:
    page = open_page("cells")
    page.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)}
    )
    page.find_element(By.ID, "download").click()
    WebDriverWait(page, PATIENCE).until(lambda _: (tmp_path / "cells.csv").exists())
    lines = (tmp_path / "cells.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[1] for line in lines[1:]] == ['"a;=1"', "'＝1"]


def test_everything_has_a_name_for_screen_readers(open_page: Open) -> None:
    page = open_page("video")
    tree = page.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    named = {"button", "slider", "combobox", "Video", "region", "table"}
    nodes = [node for node in tree if node.get("role", {}).get("value") in named]
    assert len(nodes) > 15
    unnamed = [n["role"]["value"] for n in nodes if not n.get("name", {}).get("value")]
    assert [role for role in unnamed if role != "table"] == []


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_has_no_sideways_scrolling(pages: dict[str, str], dark: bool) -> None:
    with open_chromium(360, 740, dark=dark, still=True) as page:
        page.get(pages["video"])
        wait(page, "return document.querySelector('video').readyState >= 2")
        assert page.execute_script("return innerWidth") == 360
        assert page.execute_script("return document.documentElement.scrollWidth") == 360
        segment(page, "stand").click()
        is_at(page, 1)
        ground = page.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert (sum(json.loads(ground.replace("rgb(", "[").replace(")", "]"))) < 200) == dark
        style = "getComputedStyle(document.getElementById('play'))"
        moving = page.execute_script(f"return {style}.transitionDuration")
        assert moving == "0s"
        assert page.get_log("browser") == []
