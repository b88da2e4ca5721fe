// On paper: everything is explained, nothing can be pressed, and what is covered stays covered.
import { expect, fact, test } from "../support.js";

test.beforeEach(async ({ page, logIn }) => {
  await logIn("ada");
});

test("My data on paper", async ({ page }) => {
  await page.goto("/my-data");
  await page.emulateMedia({ media: "print" });
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  const phone = fact(page, "Phone number");
  await expect(phone.locator("dl")).toBeVisible();
  await expect(phone.getByText("How long we keep it")).toBeVisible();
  await expect(page.locator(".entry").first().locator("dl").first(), "an order's parts").toBeVisible();
  await expect(page.getByText("On this paper: 3 of 9 orders. The rest is on screen.")).toBeVisible();
  await expect(page.getByText(/^This page shows what stood here on \d+ \w+ \d{4}, \d+:\d\d\.$/)).toBeVisible();

  await expect(fact(page, "Birthday").locator(".value")).toContainText("Covered");
  expect(await page.content()).not.toContain("1988");

  for (const role of ["button", "searchbox", "combobox", "navigation"]) {
    await expect(page.getByRole(role), role).toHaveCount(0);
  }
});

test("a list and Who looked on paper", async ({ page }) => {
  for (const path of ["/my-data/shop/orders", "/who-looked"]) {
    await page.goto(path);
    await page.emulateMedia({ media: "print" });
    for (const role of ["button", "navigation"]) await expect(page.getByRole(role), role).toHaveCount(0);
    const closed = page.locator("main details:not([open]) > :not(summary)");
    for (const part of await closed.all()) await expect(part).toBeVisible();
  }
});
