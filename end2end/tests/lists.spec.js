// Lists, such as orders: a few on My data, all of them page by page.
import { card, expect, test } from "../support.js";

test("Ada opens all her orders, and one of them", async ({ page, logIn }) => {
  await logIn("ada");
  await page.goto("/my-data");
  const orders = card(page, "What you bought").locator(".list").filter({ has: page.getByRole("heading", { name: "Your orders" }) });
  const few = await orders.locator(".entry > summary b").allInnerTexts();
  expect(few).toEqual(["FR-100009", "FR-100008", "FR-100007", "FR-100006", "FR-100005"].slice(0, few.length));
  await orders.getByRole("link", { name: "See all 9 orders" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Your orders");
  await expect(page.locator(".entry")).toHaveCount(9);
  await expect(page.locator(".entry > summary b").first()).toHaveText("FR-100009");

  const order = page.locator(".entry").filter({ hasText: "FR-100003" });
  await expect(order.getByText("Paid with")).toBeHidden();
  await order.locator("summary").press("Enter");
  await expect(order.getByText("Paid with")).toBeVisible();

  await page.getByText("Why we hold these").click();
  await expect(page.locator(".why dt").filter({ hasText: "How long we keep it" }).first()).toBeVisible();
  await page.getByRole("link", { name: "Back to My data" }).click();
  await expect(page).toHaveURL(/\/my-data$/);
});

test.describe("Grace, who has 5,000 orders", () => {
  test.beforeEach(async ({ logIn }) => logIn("grace"));

  test("sees the newest of them on My data", async ({ page }) => {
    await page.goto("/my-data");
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^We hold at least [\d,]+ facts about you$/);
    await page.getByRole("link", { name: "See all of them: more than 1,000 orders" }).click();
    await expect(page.getByRole("heading", { level: 2, name: "5,000 orders" })).toBeVisible();
  });

  test("goes to older ones and back", async ({ page }) => {
    await page.goto("/my-data/shop/orders");
    const names = page.locator(".entry > summary b");
    await expect(names).toHaveCount(25);
    await expect(names.first()).toHaveText("FR-105010");
    const newest = await names.allInnerTexts();

    await page.getByRole("link", { name: "Show older ones" }).click();
    await expect(names.first()).not.toHaveText(newest[0]);
    await expect(names).toHaveCount(25);
    const older = await names.allInnerTexts();
    expect(older.filter((name) => newest.includes(name))).toEqual([]);

    await page.getByRole("link", { name: "Back to the newest" }).click();
    await expect(names).toHaveText(newest);
  });

  test("uncovers a value on an older page, which stays", async ({ page }) => {
    await page.goto("/my-data/shop/orders");
    await page.getByRole("link", { name: "Show older ones" }).click();
    await expect(page.getByRole("link", { name: "Back to the newest" })).toBeVisible();
    await page.getByRole("link", { name: "Show older ones" }).click();
    const order = page.locator(".entry").filter({ hasText: "FR-104950" });
    expect(await page.content()).not.toContain("Put the kettle on");

    await order.locator("summary").click();
    await order.getByRole("button", { name: "Show Gift note" }).click();
    await expect(page.locator(".entry").filter({ hasText: "FR-104950" })).toContainText("Happy birthday, Gran! Put the kettle on.");
    await expect(page.getByRole("link", { name: "Back to the newest" }), "still the same page").toBeVisible();

    await page.goto("/who-looked");
    await expect(page.getByText("You uncovered “Gift note” in your orders.").first()).toBeVisible();
  });
});
