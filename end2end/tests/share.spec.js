// Asks as a customer meets them: one question, three answers, and what was given on My data.
import { expect, expectNoViolation, test } from "../support.js";

test("an answer is given, shown, changed and taken away", async ({ page, logIn, javaScriptEnabled }) => {
  // Both runs share a portal: each has a customer of its own.
  await logIn(javaScriptEnabled ? "cleo" : "grace");
  await page.goto("/share");
  const all = page.getByText("Everything you could share");
  if (!(await page.getByRole("link", { name: "When is your birthday?" }).isVisible())) await all.click();
  await page.getByRole("link", { name: "When is your birthday?" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("When is your birthday?");
  const answers = page.locator(".answers button");
  await expect(answers).toHaveText(["Yes", "No", "Not now"]);
  const widths = await answers.evaluateAll((buttons) => buttons.map((button) => button.getBoundingClientRect().height));
  expect(new Set(widths).size).toBe(1);

  await page.getByRole("button", { name: "Yes" }).click();
  await expect(page.getByRole("alert")).toContainText("Write a real day");
  // axe itself needs JavaScript.
  if (javaScriptEnabled) await expectNoViolation(page);
  await page.getByLabel("Day").fill("27");
  await page.getByLabel("Month").fill("3");
  await page.getByLabel("Year").fill("1985");
  await page.getByRole("button", { name: "Yes" }).click();
  await expect(page.getByRole("status")).toContainText("You said yes");

  await page.goto("/my-data");
  await expect(page.locator("[data-fact]", { hasText: "Birthday" }).first()).toContainText("27 March 1985");
  await page.getByRole("link", { name: /^Change it ?: Birthday$/ }).click();
  await page.getByLabel("Day").fill("28");
  await page.getByRole("button", { name: "Keep this" }).click();
  await expect(page.locator("[data-fact]", { hasText: "Birthday" }).first()).toContainText("28 March 1985");
  await page.getByRole("link", { name: /^Change it ?: Birthday$/ }).click();
  await page.getByRole("button", { name: "Take it away" }).click();
  await expect(page.getByText("28 March 1985")).toHaveCount(0);

  await page.goto("/permissions");
  const card = page.locator("section", { hasText: "We send you a treat on your birthday." }).first();
  await expect(card).toContainText("You said yes today");
  await card.getByRole("button", { name: "No" }).click();
  await expect(page.locator("#birthday")).toContainText("You took your yes back");
  await page.goto("/share/birthday_treat");
  await expect(page.locator("main")).toContainText("You took your yes back");
});
