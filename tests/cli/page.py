# SPDX-License-Identifier: MIT
"""page.py CHROMIUM PAGE JSON: what the page of via graph --html does.

Talks with the browser over a pair of pipes, in its DevTools protocol: JSON
messages, each ended by a NUL.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile


class Browser:
    def __init__(self, program, profile):
        to, self.out = os.pipe()
        self.into, back = os.pipe()

        def wire():
            # It reads from 3 and writes to 4. Both may be taken here.
            high = [os.dup(fd) for fd in (to, back)]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self.process = subprocess.Popen(
            [program, '--headless', '--no-sandbox', '--disable-gpu',
             '--window-size=1200,800', f'--user-data-dir={profile}',
             '--remote-debugging-pipe', 'about:blank'],
            preexec_fn=wire, close_fds=False, stderr=subprocess.DEVNULL)
        os.close(to)
        os.close(back)
        self.rest, self.last, self.session, self.errors = b'', 0, None, []

    def message(self):
        while b'\0' not in self.rest:
            more = os.read(self.into, 65536)
            assert more, 'the browser has gone'
            self.rest += more
        text, self.rest = self.rest.split(b'\0', 1)
        return json.loads(text)

    def call(self, method, **params):
        self.last += 1
        call = {'id': self.last, 'method': method, 'params': params}
        if self.session:
            call['sessionId'] = self.session
        os.write(self.out, json.dumps(call).encode() + b'\0')
        while True:
            m = self.message()
            if m.get('method') == 'Runtime.exceptionThrown':
                self.errors.append(m['params'])
            if m.get('id') == self.last:
                assert 'error' not in m, m
                return m['result']

    def open(self, url):
        target = self.call('Target.createTarget', url='about:blank')
        self.session = self.call('Target.attachToTarget', flatten=True,
                                 targetId=target['targetId'])['sessionId']
        self.call('Runtime.enable')
        self.call('Page.enable')
        self.call('Page.navigate', url=url)
        while self.message().get('method') != 'Page.loadEventFired':
            pass

    def ask(self, expression):
        result = self.call('Runtime.evaluate', expression=expression,
                           returnByValue=True)
        assert 'exceptionDetails' not in result, result
        return result['result'].get('value')

    def mouse(self, kind, x, y, **more):
        self.call('Input.dispatchMouseEvent', type=kind, x=x, y=y, **more)

    def close(self):
        self.call('Browser.close')
        self.process.wait()


def count(browser, selector):
    return browser.ask(f'document.querySelectorAll({selector!r}).length')


def view(browser):
    return browser.ask('document.querySelector("#view")'
                       '.getAttribute("transform")')


def check(browser, picture):
    nodes, edges = picture['nodes'], picture['edges']
    stuck = [n for n in nodes if n.get('verdict') in
             ('stuck', 'deadlock', 'orphaned')]

    assert count(browser, '.node') == len(nodes)
    assert count(browser, '.edge') == len(edges)
    assert stuck and count(browser, '.node.stuck') == len(stuck)
    assert count(browser, '.edge.stuck') == sum(e['stuck'] for e in edges)
    red = browser.ask('getComputedStyle(document.querySelector('
                      '".edge.stuck")).stroke')
    assert red == 'rgb(221, 34, 34)', red
    # Nothing lies on something else.
    assert browser.ask('''(() => {
        const boxes = [...document.querySelectorAll(".node rect")]
            .map(r => r.getBoundingClientRect());
        return boxes.every((a, i) => boxes.slice(i + 1).every(b =>
            a.right < b.left || b.right < a.left ||
            a.bottom < b.top || b.bottom < a.top));
    })()''')

    # The first one that is stuck is told about.
    about = browser.ask('document.querySelector("#about").textContent')
    assert any(n['name'] in about for n in stuck), about
    assert 'STUCK' in about, about

    before = view(browser)
    browser.mouse('mouseWheel', 300, 300, deltaX=0, deltaY=-200)
    zoomed = view(browser)
    assert zoomed != before
    browser.mouse('mousePressed', 300, 300, button='left', clickCount=1)
    browser.mouse('mouseMoved', 350, 320, button='left', buttons=1)
    browser.mouse('mouseReleased', 350, 320, button='left', clickCount=1)
    assert view(browser) not in (zoomed, before)

    browser.ask('document.querySelector("#search").focus()')
    browser.call('Input.insertText', text=str(stuck[0]['pid']))
    fits = [n for n in nodes if str(stuck[0]['pid']) in
            f"{n['name']} {n['kind']} {n.get('command', '')}"]
    found = browser.ask('document.querySelector("#count").textContent')
    assert found == f'{len(fits)} found', found
    assert 0 < count(browser, '.node.faded') < len(nodes)

    browser.ask('document.querySelector(".node.object")'
                '.dispatchEvent(new MouseEvent("click"))')
    assert count(browser, '.picked') == 1
    # It asks for nothing but itself.
    assert browser.ask('performance.getEntriesByType("resource").length') == 0
    assert not browser.errors, browser.errors


def main():
    program, page, data = sys.argv[1:]
    with tempfile.TemporaryDirectory() as profile:
        browser = Browser(program, profile)
        try:
            browser.open(pathlib.Path(page).resolve().as_uri())
            check(browser, json.loads(pathlib.Path(data).read_text()))
            browser.close()
        finally:
            if browser.process.poll() is None:
                browser.process.kill()
                browser.process.wait()


main()
