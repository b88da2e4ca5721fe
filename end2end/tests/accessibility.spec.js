// Everybody can use every page: WCAG 2.2 AA by axe, on a phone and a desk, in light and dark, and what axe can't see.
import { expect, expectNoViolation, fact, test } from "../support.js";

/** A page, who opens it, and what they do there before it is looked at. */
const PAGES = [
  { name: "the start", path: "/" },
  { name: "sign up", path: "/sign-up" },
  { name: "sign up, with a mistake", path: "/sign-up", act: (page) => send(page, { "E-mail address": "ada@nowhere" }) },
  { name: "forgotten password", path: "/forgot-password" },
  { name: "check your mail", path: "/check-your-mail" },
  { name: "log in", path: "/log-in", act: passwordCanBeShown },
  {
    name: "log in, with a mistake",
    path: "/log-in",
    act: async (page, javaScriptEnabled) => {
      await send(page, { "E-mail address": "nobody@example.com", Password: "not-this-one" });
      await passwordCanBeShown(page, javaScriptEnabled);
    },
  },
  { name: "a link that has ended", path: "/set-password/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" },
  { name: "nothing here", path: "/nothing-here" },
  { name: "calls for programs", path: "/v1/docs", act: openDetails },
  { name: "the demo's mail", path: "/demo/outbox" },
  { name: "My data", path: "/my-data", who: "ada" },
  { name: "My data, opened", path: "/my-data", who: "cleo", act: openDetails },
  { name: "My data, nothing found", path: "/my-data", who: "cleo", act: findNothing },
  { name: "a list", path: "/my-data/shop/orders", who: "ada", act: openDetails },
  { name: "a list's second page", path: "/my-data/shop/orders", who: "grace", act: (page) => page.getByRole("link", { name: "Show older ones" }).click() },
  { name: "who looked", path: "/who-looked", who: "ben", act: openDetails },
  { name: "what you allow", path: "/permissions", who: "ben" },
  { name: "share and earn", path: "/share", who: "ben" },
  { name: "an ask with an address", path: "/share/offers_by_post", who: "ben" },
  { name: "an ask with choices", path: "/share/your_taste", who: "ben" },
  { name: "a programme", path: "/join/club" },
  { name: "a programme, with a mistake", path: "/join/club", act: (page) => send(page, { "E-mail address": "ada@nowhere" }) },
  { name: "a programme to join at once", path: "/join/club", who: "ben" },
  { name: "a way back that is not on the list", path: "/join/club?return_to=https%3A%2F%2Fevil.example" },
  { name: "a link to join that has ended", path: "/joining/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" },
  { name: "rewards", path: "/rewards", who: "ada", act: openDetails },
  { name: "rewards of nobody's", path: "/rewards", who: "ben" },
  { name: "delete your data", path: "/delete", who: "ben" },
  { name: "check a certificate", path: "/certificates" },
  { name: "take your data", path: "/download", who: "ben", act: openDetails },
  { name: "take your data, with a copy", path: "/download", who: "ben", act: takeCopy },
  { name: "your log-in", path: "/account", who: "ben" },
  { name: "devices", path: "/account/devices", who: "ben" },
  { name: "addresses and numbers", path: "/account/contacts", who: "ben" },
  { name: "is it still you", path: "/still-you", who: "ben", act: passwordCanBeShown },
  { name: "a new password", path: "/account/password", who: "ben", act: passwordCanBeShown },
  { name: "codes from an app", path: "/account/app", who: "ben" },
  { name: "an app to set up", path: "/account/app", who: "ben", act: (page) => page.getByRole("button", { name: "Set up an app" }).click() },
  { name: "recovery codes", path: "/account/recovery-codes", who: "ben" },
  { name: "passkeys", path: "/account/passkeys", who: "ben" },
  { name: "an alert that has ended", path: "/not-me/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" },
  { name: "the staff's log-in", path: "/staff/log-in", act: passwordCanBeShown },
  { name: "an invitation that has ended", path: "/staff/join/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" },
  { name: "the staff's first page", path: "/staff", works: true },
  { name: "who works here", path: "/staff/people", works: true },
  { name: "keys of systems", path: "/staff/keys", works: true },
  { name: "rewards, for the staff", path: "/staff/rewards", works: true, act: openDetails },
  { name: "a reward, for the staff", path: "/staff/rewards/free_coffee", works: true },
  { name: "what we ask for", path: "/staff/asks", works: true },
  { name: "put points right", path: "/staff/points", works: true },
  { name: "what was done", path: "/staff/decisions", works: true },
  { name: "what our shops were told", path: "/staff/webhooks", works: true },
];

async function send(page, fields) {
  for (const [label, words] of Object.entries(fields)) await page.getByLabel(label, { exact: true }).fill(words);
  await page.locator("main form button.primary").click();
  await expect(page.getByRole("alert")).toBeVisible();
}

async function passwordCanBeShown(page, javaScriptEnabled) {
  await expect(page.getByRole("button", { name: "Show what I type" })).toBeVisible({ visible: javaScriptEnabled });
}

async function openDetails(page) {
  await page.locator("main details").evaluateAll((all) => all.forEach((details) => (details.open = true)));
}

async function takeCopy(page) {
  await page.getByRole("button", { name: "Make a copy of everything" }).click();
  await expect(page.getByRole("link", { name: "Download it" }).first()).toBeVisible();
}

async function findNothing(page) {
  await page.getByRole("searchbox").fill("nobodyhasthis");
  await page.getByRole("button", { name: "Find" }).click();
  await expect(page.getByText("We found nothing that fits.")).toBeVisible();
}

for (const { name, path, who, works, act } of PAGES) {
  test.describe(name, () => {
    test.beforeEach(async ({ page, logIn, workHere, javaScriptEnabled }) => {
      if (who) await logIn(who);
      // The staff's codes count once, so workers wait for each other.
      if (works) test.setTimeout(150_000);
      if (works) await workHere();
      await page.goto(path);
      await act?.(page, javaScriptEnabled);
    });

    test("can be read and used by everybody", async ({ page, javaScriptEnabled }) => {
      // axe itself needs JavaScript.
      const schemes = javaScriptEnabled ? [[1280, "light"], [320, "dark"]] : [];
      for (const [width, colorScheme] of schemes) {
        await page.setViewportSize({ width, height: 900 });
        await page.emulateMedia({ colorScheme });
        await expectNoViolation(page, `${width} pixels, ${colorScheme}`);
      }
      await page.setViewportSize({ width: 320, height: 800 });
      expect(await width(page), "no scrolling sideways at 320 pixels").toBeLessThanOrEqual(320);
      expect(await smallTargets(page)).toEqual([]);
      expect(await headingLeaps(page)).toEqual([]);
      await expect(page.getByRole("heading", { level: 1 })).toHaveCount(1);
      await expect(page).toHaveTitle(/\S – Finch & Rowan$/);

      await page.setViewportSize({ width: 1280, height: 800 });
      expect(await smallTargets(page)).toEqual([]);
      await page.evaluate(() => (document.documentElement.style.fontSize = "200%"));
      expect(await width(page), "no scrolling sideways with letters twice as large").toBeLessThanOrEqual(1280);
      // Zoomed to 400% a desk's screen is as narrow as this (WCAG 2.2, 1.4.10), and its letters may be twice as large too.
      await page.setViewportSize({ width: 640, height: 800 });
      expect(await width(page)).toBeLessThanOrEqual(640);
    });

    test("is reached with the keyboard, in order, and shows where one is", async ({ page }) => {
      await page.setViewportSize({ width: 1280, height: 800 });
      const expected = await page.evaluate(tabStops);
      const reached = [];
      // Until a page has loaded, the browser may still move the keyboard's place to what was found.
      await page.waitForLoadState("load");
      await page.evaluate(startAtTheTop);
      await page.keyboard.press("Tab");
      await expect(page.getByRole("link", { name: "Skip to the page" })).toBeInViewport();
      for (let at = 0; at < expected.length; at++) {
        const focus = await page.evaluate(focused);
        reached.push(focus.name);
        expect(focus.seen, `${focus.name}: the focus can be seen`).toBe(true);
        await page.keyboard.press("Tab");
      }
      expect(reached).toEqual(expected);
    });
  });
}

/** After a search the keyboard goes on from what was found; here it goes through the whole page. */
function startAtTheTop() {
  document.body.tabIndex = -1;
  document.body.focus();
  document.body.removeAttribute("tabindex");
}

const width = (page) => page.evaluate(() => document.documentElement.scrollWidth);

/** What one presses and is smaller than 44 pixels, unless it is a link within a sentence (WCAG 2.2, 2.5.5 and 2.5.8). */
function smallTargets(page) {
  return page.evaluate(() => {
    const inSentence = (link) =>
      link.matches("a") && [...link.parentNode.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    return [...document.querySelectorAll("a, button, summary, select, input:not([type=hidden]), textarea")]
      .filter((element) => element.checkVisibility({ visibilityProperty: true }) && !element.matches(".skip") && !inSentence(element))
      // What picks a word is pressed by its whole label.
      .map((element) => ({ element, box: (element.closest("label") ?? element).getBoundingClientRect() }))
      .filter(({ box }) => box.height < 43.9 || box.width < 43.9)
      .map(({ element, box }) => `${element.tagName} ${element.textContent.trim().slice(0, 40)}: ${box.width} x ${box.height}`);
  });
}

/** Headings that leave out a level. */
function headingLeaps(page) {
  return page.evaluate(() => {
    let last = 0;
    return [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")]
      .filter((heading) => heading.checkVisibility())
      .filter((heading) => {
        const level = Number(heading.tagName[1]);
        const leaps = level > last + 1;
        last = level;
        return leaps;
      })
      .map((heading) => heading.outerHTML.slice(0, 120));
  });
}

/** The names of all that the keyboard must reach, in the order of the page. */
function tabStops() {
  return [...document.querySelectorAll("a[href], button, summary, select, input:not([type=hidden]), textarea")]
    .filter((element) => element.checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true }))
    // The keyboard stops once at words of which one is picked; arrows lead on.
    .filter((element, _, all) => element.type !== "radio" || all.find((other) => other.type === "radio" && other.name === element.name) === element)
    .map((element) => `${element.tagName} ${(element.textContent || element.name).trim().slice(0, 40)}`);
}

/** Where the keyboard is, and whether an outline around it is in view. */
function focused() {
  const element = document.activeElement;
  const style = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  const inView = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  return { name: `${element.tagName} ${(element.textContent || element.name).trim().slice(0, 40)}`, seen: outlined && inView };
}

test("the first stop of the keyboard skips to the page", async ({ page, logIn }) => {
  await logIn("ben");
  await page.goto("/my-data");
  await page.locator("body").press("Tab");
  const skip = page.getByRole("link", { name: "Skip to the page" });
  await expect(skip).toBeFocused();
  await skip.press("Enter");
  await page.keyboard.press("Tab");
  const inMain = await page.evaluate(() => document.querySelector("main").contains(document.activeElement));
  expect(inMain).toBe(true);
});

test("nothing moves for those who asked for less motion", async ({ page, logIn }) => {
  await logIn("ben");
  await page.emulateMedia({ reducedMotion: "reduce" });
  await page.goto("/my-data");
  const moving = await page.evaluate(() =>
    [...document.querySelectorAll("*")].filter((element) =>
      [null, "::before", "::after"].some((part) => {
        const { transitionDuration, animationName } = getComputedStyle(element, part);
        return transitionDuration !== "0s" || animationName !== "none";
      }),
    ).length,
  );
  expect(moving).toBe(0);
});

test("the reader's own colours keep the edges of buttons, the dots of origins and the mark of the page one is on", async ({ page, logIn }) => {
  await logIn("ben");
  await page.emulateMedia({ forcedColors: "active" });
  await page.goto("/my-data");
  const here = page.getByRole("navigation", { name: "Your portal" }).getByRole("link", { name: "My data" });
  await expect(here).toHaveCSS("outline-style", "solid");
  await expect(page.getByRole("button", { name: "Find" })).toHaveCSS("border-top-style", "solid");
  const dots = await page.locator(".keys .dot").evaluateAll((all) => all.map((dot) => getComputedStyle(dot).backgroundColor));
  expect(new Set(dots).size, "one colour an origin").toBe(4);
  await expect(fact(page, "First name").locator(".chip")).toContainText("You gave it");
});
