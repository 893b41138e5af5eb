"""The explorer in a real browser, as hands and eyes use it."""

import time

import numpy as np

READY_S = 60  # until the page has unpacked its weights, on a machine that is busy


class Page:
    """A page that a driver has open, for grey pictures of 28 x 28 pixels."""

    def __init__(self, driver, address):
        self.driver, self.address = driver, address

    def open(self, link=""):
        self.driver.get("about:blank")
        self.driver.get(self.address + link)
        self.wait("document.body.dataset.ready")

    def wait(self, condition):
        """Until an expression of the page is true."""
        until = time.monotonic() + READY_S
        while not self.js(f"return !!({condition})"):
            assert time.monotonic() < until, condition
            time.sleep(0.02)

    def js(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def find(self, selector):
        return self.driver.find_element("css selector", selector)

    def turn(self, basis):
        self.find(f'#turns label:has([value="{basis}"])').click()

    def sliders(self, pane=0):
        return self.driver.find_elements(
            "css selector", f".pane:nth-child({pane + 1}) .slide input"
        )

    def drag(self, slider, value):
        """As a hand does: input events, one change at the end."""
        self.js(
            "arguments[0].value = arguments[1];"
            "for (const name of ['input', 'change'])"
            " arguments[0].dispatchEvent(new Event(name, { bubbles: true })); frame()",
            slider,
            value,
        )

    def picture(self, pane=0):
        """Grey levels on the canvas, (784,)."""
        script = """
            frame();
            const { context } = panes[arguments[0]];
            return Array.from(context.getImageData(0, 0, 28, 28).data).filter((_, i) => i % 4 == 0)
        """
        return np.array(self.js(script, pane))

    def codes(self, pane=0):
        return np.array(self.js("return Array.from(panes[arguments[0]].codes)", pane))

    def values(self, pane=0):
        script = "return panes[arguments[0]].rows.map((row) => row.slider.valueAsNumber)"
        return np.array(self.js("frame();" + script, pane))
