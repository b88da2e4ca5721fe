// My data: the page that this product exists for.
import { card, expect, fact, islandsRun, test } from "../support.js";

const GROUPS = [
  "About you",
  "How to reach you",
  "What you bought",
  "What you did",
  "What we worked out about you",
  "What we got from others",
  "Your account",
  "What we do not hold",
];

/** The number at the start of some words: 118 of "118 facts". */
const count = (words) => Number(words.replace(",", "").match(/\d+/)[0]);

test.describe("Ada", () => {
  test.beforeEach(async ({ page, logIn }) => {
    await logIn("ada");
    await page.goto("/my-data");
  });

  test("sees how much is held, from where, and how much is guessed", async ({ page }) => {
    const all = count(await page.getByRole("heading", { level: 1, name: /^We hold [\d,]+ facts about you$/ }).innerText());
    const summary = page.getByRole("region", { name: "Where it came from" });
    const origins = await summary.getByRole("listitem").allInnerTexts();
    expect(origins.map(count).reduce((a, b) => a + b)).toBe(all);
    const guesses = count(origins.find((words) => words.startsWith("We worked out")));
    await expect(page.getByText(`They come from our shop, our newsletter, our website and this portal. ${guesses} of them are guesses.`)).toBeVisible();

    const cards = await page.locator("section.card > header > span").allInnerTexts();
    expect(cards.map(count).reduce((a, b) => a + b), "the cards add up to the summary").toBe(all);
  });

  test("finds everything in groups, in the order in which a person thinks", async ({ page }) => {
    await expect(page.locator("section.card > header > h2, section.card > h2")).toHaveText(GROUPS);
    await expect(fact(page, "Phone number").locator(".value")).toHaveText("+353 20 910 0018");
    await expect(fact(page, "Phone number").locator(".chip")).toHaveText("You gave it Our shop");
    await expect(fact(page, "You seem to be near").locator(".chip")).toContainText("We worked it out");
    await expect(fact(page, "Shop password").locator(".value")).toHaveText(/^Not shown\. .*Nobody can read it/);
    await expect(card(page, "What you bought").locator(".list")).toHaveCount(3);
  });

  test("jumps to a group", async ({ page }) => {
    const links = page.getByRole("navigation", { name: "On this page" }).getByRole("link");
    await expect(links).toHaveText(GROUPS);
    await links.filter({ hasText: "What you did" }).click();
    await expect(card(page, "What you did").getByRole("heading", { level: 2 })).toBeInViewport();
  });

  test("opens with the keyboard why a fact is held", async ({ page }) => {
    const phone = fact(page, "Phone number");
    await expect(phone.getByText("Who can see it")).toBeHidden();
    await phone.locator("summary").focus();
    await page.keyboard.press("Enter");
    for (const point of [
      "What it is",
      "Why we hold it",
      "Where it came from",
      "What we use it for",
      "Who can see it",
      "How long we keep it",
      "Can it be erased?",
      "Since",
      "Who looked last",
    ]) {
      const term = phone.getByRole("term").filter({ hasText: new RegExp(`^${point.replace("?", "\\?")}$`) });
      await expect(term, point).toBeVisible();
    }
    await expect(phone.getByRole("definition")).toHaveText(Array(9).fill(/\w/));
    await page.keyboard.press("Enter");
    await expect(phone.getByText("Who can see it")).toBeHidden();
  });

  test("reads what is not held", async ({ page }) => {
    const nothing = card(page, "What we do not hold");
    await expect(nothing).toContainText("Your bank account and your bank log-in");
    await expect(nothing).toContainText("Offers by post (our shop)");
  });

  test("finds things by their origin and their system", async ({ page }) => {
    await page.getByRole("region", { name: "Where it came from" }).getByRole("link", { name: "Others gave us" }).click();
    await expect(page.locator("section.card > header > h2")).toHaveText(["What we got from others"]);
    await page.getByRole("link", { name: "Show everything" }).click();

    await page.getByLabel("Which system").selectOption("Our newsletter");
    await page.getByRole("button", { name: "Find" }).click();
    await expect(fact(page, "Name for news")).toBeVisible();
    await expect(fact(page, "First name")).toHaveCount(0);
    await expect(page.getByLabel("Which system"), "the filter stays").toHaveValue("newsletter");
    expect(new Set(await page.locator(".chip small").allInnerTexts()).size).toBe(1);

    await page.getByLabel("How we got it").selectOption("We worked out");
    await page.getByRole("button", { name: "Find" }).click();
    await expect(page.locator("[data-fact]")).toHaveCount(1);
  });

  test("finds a word in all that is held, and the word is nowhere in the address", async ({ page }) => {
    const box = page.getByRole("searchbox", { name: "Find in your data" });
    await box.fill("fr-100002");
    await box.press("Enter");
    await expect(page.locator(".entry > summary > b").filter({ hasText: "FR-100002" }), "it is too old for the first page").toBeVisible();
    await expect(page.getByText(/^\d+ things? fits?\.$/), "what was found is in sight").toBeInViewport();
    await expect(box).toHaveValue("fr-100002");
    await expect(fact(page, "Phone number")).toHaveCount(0);
    await expect(page).toHaveURL(/\/my-data#found$/);

    await box.fill("nobodyhasthis");
    await box.press("Enter");
    await expect(page.getByText("We found nothing that fits.")).toBeVisible();
  });

  test("narrows the page while she types, and nothing is sent", async ({ page, javaScriptEnabled }) => {
    test.skip(!javaScriptEnabled, "without JavaScript the form is sent");
    await islandsRun(page);
    const sent = [];
    page.on("request", (request) => sent.push(request.url()));
    await page.getByRole("searchbox").pressSequentially("910 0018");
    await expect(fact(page, "Phone number")).toBeVisible();
    await expect(fact(page, "First name")).toBeHidden();
    await expect(page.getByRole("heading", { level: 2 })).toHaveText(["How to reach you"]);
    await expect(page.getByText("1 thing on this page fits.")).toBeVisible();
    await page.getByRole("searchbox").fill("");
    await expect(page.getByRole("heading", { level: 2 })).toHaveText(GROUPS);
    await expect(page).toHaveURL(/\/my-data$/);
    expect(sent).toEqual([]);
  });

  test("uncovers a value, and that is written down", async ({ page, javaScriptEnabled }) => {
    const birthday = fact(page, "Birthday");
    await expect(birthday.locator(".value")).toContainText("Covered");
    expect(await page.content(), "a covered value is not in the page").not.toContain("1988");
    if (javaScriptEnabled) await islandsRun(page);

    await birthday.getByRole("button", { name: "Show Birthday" }).click();
    await expect(birthday.locator(".value")).toContainText("14 May 1988");
    await expect(fact(page, "About your health").locator(".value"), "and no other").toContainText("Covered");
    await expect(birthday.locator(".value"), "the page comes back to it").toBeInViewport();
    await expect(page).toHaveURL(/\/my-data(#fact-\w+)?$/);
    if (javaScriptEnabled) {
      const cover = birthday.getByRole("button", { name: "Cover Birthday" });
      await expect(cover, "the keyboard stays where it was").toBeFocused();
      await cover.press("Enter");
      await expect(birthday.locator(".value")).toContainText("Covered");
      await expect(birthday.locator(".value")).not.toContainText("1988");
    }

    await page.goto("/who-looked");
    await expect(page.getByText("You uncovered “Birthday” in your shop account.").first()).toBeVisible();
    expect(await page.content()).not.toContain("1988");
  });
});

test("Cleo, whom only the newsletter knows, sees no empty groups and reads who does not know her", async ({ page, logIn }) => {
  await logIn("cleo");
  await page.goto("/my-data");
  await expect(page.getByRole("heading", { level: 2, name: "What you bought" })).toHaveCount(0);
  for (const section of await page.locator("section.card").all()) {
    await expect(section.locator(".fact, .entry, li").first()).toBeVisible();
  }
  await expect(card(page, "What we do not hold")).toContainText(
    "Nothing in our shop and our website: nobody there has your e-mail address.",
  );
});
