// A browser in front of the real server: what every step of the test needs.

import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { WIDTHS, layout } from './layout.mjs';
import { Looks } from './looks.mjs';
import { SLOW, atOnce, slow } from './slow.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const DESK = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
/** Rules of WCAG 2.2 A and AA, and what axe holds for good practice. */
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
/** Nobody waits so long but whose test fails. */
const WAIT_MS = 30_000;
/** Whoever asks nothing for so long has asked all there is: what is asked a moment after the last letter, too. */
const QUIET_MS = 350;
/** What never ends (an upload, a request that a step holds) is waited for no longer. */
const QUIET_MS_MAX = 5_000;
/** After so long all is drawn. */
const DRAWN_MS = 3_000;

export class Failed extends Error {}

export function check(is, says) {
  if (!is) throw new Failed(says);
}

export class World {
  static async open(url, out) {
    mkdirSync(out, { recursive: true });
    const executablePath = process.env.BOOTWRIGHT_CHROMIUM ?? BROWSERS.find((path) => exists(path));
    // As root there is no sandbox to be had; it only ever sees our own server.
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
    const world = new World();
    Object.assign(world, { browser, url, out, wrong: [], clean: 0, open: new Set(), asked: 0, looks: new Looks(out) });
    await world.enter();
    return world;
  }

  /** A new visitor, who is not known. */
  async enter() {
    await this.context?.close();
    this.context = await this.browser.newContext({
      baseURL: this.url,
      viewport: DESK,
      colorScheme: 'light',
      reducedMotion: 'reduce',
      locale: 'en-GB',
      timezoneId: 'Europe/Vienna',
    });
    this.context.setDefaultTimeout(WAIT_MS);
    await this.context.addInitScript(() => {
      window.executed = 0;
      window.violations = [];
      addEventListener('securitypolicyviolation', (event) =>
        window.violations.push(`${event.violatedDirective} ${event.blockedURI}`),
      );
    });
    this.page = await this.context.newPage();
    this.open.clear();
    this.watch(this.page);
    await slow(this.context, this.page);
  }

  /** What goes wrong in the page fails the step, whatever it shows. */
  watch(page) {
    page.on('pageerror', (error) => this.wrong.push(`error in the page: ${error.message}`));
    page.on('console', (message) => {
      // An answer that refuses is told here as well; steps look at what the page makes of it.
      if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) this.wrong.push(message.text());
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(this.url) && !this.also?.some((url) => request.url().startsWith(url)))
        this.wrong.push(`the page asked ${request.url()}, which is not its server`);
      // The stream of events is open as long as the page is.
      if (/\/api\/v1\/(?!events\b)/.test(request.url())) this.open.add(request);
      this.asked = Date.now();
    });
    const ended = (request) => {
      if (this.open.delete(request)) this.asked = Date.now();
    };
    page.on('requestfinished', ended);
    page.on('requestfailed', ended);
  }

  /** Until the page has asked nothing for a moment and waits for no answer: then all is drawn that is to be looked at. */
  async quiet() {
    const until = Date.now() + QUIET_MS_MAX;
    this.asked = Date.now();
    while (Date.now() < until && (this.open.size > 0 || Date.now() - this.asked < QUIET_MS)) await this.page.waitForTimeout(50);
  }

  async settled() {
    const { violations, executed } = await this.page.evaluate(() => ({ violations: window.violations, executed: window.executed }));
    check(executed === 0, `${executed} hostile texts were executed`);
    check(violations.length === 0, `the policy was broken: ${violations.join('; ')}`);
    check(this.wrong.length === 0, this.wrong.join('\n'));
  }

  /** Asks the API as the page would. */
  async api(method, path, body) {
    return this.page.evaluate(
      async ([method, path, body, atOnce]) => {
        const session = await (await fetch('/api/v1/session', { headers: atOnce })).json();
        const headers = { ...atOnce, 'content-type': 'application/json', 'x-csrf-token': session.csrf ?? '' };
        const response = await fetch(`/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
        const text = await response.text();
        if (!response.ok) throw new Error(`${method} ${path}: ${text}`);
        return text ? JSON.parse(text) : null;
      },
      [method, path, body, atOnce],
    );
  }

  /**
   * Pictures of what is shown, in every look; in each nothing may be wrong for whoever cannot see well. They are held
   * against the kept looks at the end (looks.mjs), `moving` names what else moves in it; and at each width everything
   * has its place (layout.mjs). A slowed run looks at nothing: it is about what comes too early, and looking gives time.
   */
  async look(name, { moving } = {}) {
    if (SLOW) return this.settled();
    await this.quiet();
    for (const [how, colorScheme, size] of [
      ['light', 'light', DESK],
      ['dark', 'dark', DESK],
      ['phone', 'light', PHONE],
      ['phone-dark', 'dark', PHONE],
    ]) {
      await this.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await this.page.setViewportSize(size);
      await this.drawn();
      const masks = await this.moving(moving);
      const picture = await this.page.screenshot({ path: join(this.out, `${name}-${how}.png`) });
      if (how !== 'phone-dark') this.looks.take(name, how, picture, masks);
      await this.fits(`${name} (${how})`);
      await this.axe(`${name} (${how})`);
    }
    await this.page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
    for (const width of WIDTHS) {
      await this.page.setViewportSize({ width, height: DESK.height });
      await this.drawn();
      await this.nothing(`${name} (${width} px wide)`, layout);
    }
    await this.page.setViewportSize(DESK);
    await this.settled();
  }

  /** Until a window that became another one is drawn anew. */
  async drawn() {
    await this.page.evaluate(() => new Promise((then) => requestAnimationFrame(() => requestAnimationFrame(then))));
    await this.page.waitForTimeout(100);
  }

  /** Boxes of what moves by itself. */
  async moving(more = '') {
    return this.page.evaluate((more) => {
      const all = document.querySelectorAll(['time', '[data-moving]', '.toast', more].filter(Boolean).join(', '));
      return Array.from(all, (one) => {
        const { left, top, right, bottom } = one.getBoundingClientRect();
        return { left, top, right, bottom };
      }).filter(({ left, right }) => right > left);
    }, more);
  }

  /** What a look finds wrong and goes on finding: a window that became another one is drawn anew a moment later. */
  async nothing(name, look) {
    for (const until = Date.now() + DRAWN_MS; ; await this.page.waitForTimeout(100)) {
      const out = await this.page.evaluate(look);
      if (out.length === 0) return;
      check(Date.now() < until, `${name}: ${out.join('; ')}`);
    }
  }

  /** Nothing stands beside the page, and no word of ours is cut. */
  async fits(name) {
    await this.nothing(name, () => {
      const found = [];
      const wide = document.scrollingElement;
      if (wide.scrollWidth > innerWidth + 1) found.push(`the page is ${wide.scrollWidth} wide, the window ${innerWidth}`);
      // The room scrolls inside itself.
      if (document.querySelector('.shell') && wide.scrollHeight > innerHeight + 1) found.push(`the page is ${wide.scrollHeight} high, the window ${innerHeight}`);
      for (const one of document.querySelectorAll('button, h1, h2, h3, label, .badge, p, dt')) {
        const box = one.getBoundingClientRect();
        if (!box.width || one.closest('.unseen, .cut, [hidden], .skip, .table .window') || one.matches('.skip')) continue;
        if (one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== 'inline' && !one.querySelector('.cut, .unseen'))
          found.push(`cut: ${one.textContent.trim().slice(0, 60)}`);
        if (box.right > innerWidth + 1 && !one.closest('.table, pre')) found.push(`out of the window: ${one.textContent.trim().slice(0, 60)}`);
      }
      return found;
    });
  }

  async axe(name) {
    await this.page.evaluate(axe);
    const { violations, passes } = await this.page.evaluate(
      (tags) => window.axe.run(document, { runOnly: { type: 'tag', values: tags } }),
      TAGS,
    );
    check(passes.length > 5, `${name}: axe found nothing to look at`);
    this.clean += 1;
    const says = violations.map((one) => `${one.id}: ${one.help}\n${one.nodes.map((node) => `  ${node.html.slice(0, 200)}\n  ${node.failureSummary}`).join('\n')}`);
    check(violations.length === 0, `${name}: axe: ${says.join('\n')}`);
  }

  /** Waits until it is said that something was done: the view may have said the same of what was only meant. */
  async told(says) {
    await this.page.getByRole('status', { name: 'What was done' }).getByText(says).last().waitFor();
  }

  async signIn(name, password) {
    await this.page.getByLabel('Name').fill(name);
    await this.page.getByLabel('Password').fill(password);
    await this.page.getByRole('button', { name: 'Sign in' }).click();
    await this.page.getByRole('navigation', { name: 'Views' }).waitFor({ state: 'attached' });
  }

  async goto(path) {
    await this.page.goto(path);
  }

  /** Waits until it is so. */
  async waitFor(is, says) {
    for (const until = Date.now() + WAIT_MS; ; await this.page.waitForTimeout(100)) {
      if (await is()) return;
      check(Date.now() < until, `it does not come about that ${says}`);
    }
  }
}

function exists(path) {
  try {
    return readFileSync(path).length > 0;
  } catch {
    return false;
  }
}
