// Who looked: every look, in sentences.
import { expect, test } from "../support.js";

test("says who looked, at what, when and why", async ({ page, logIn }) => {
  await logIn("ada");
  await page.goto("/my-data");
  await page.goto("/who-looked");
  const looks = page.getByRole("main").getByRole("list").first().locator(":scope > li");

  const own = looks.filter({ hasText: /You opened My data and saw \d+ parts of your data\./ }).first();
  await expect(own.locator("time")).toHaveText(/^(today|yesterday) at \d{1,2}:\d\d$/i);
  await expect(own.getByText("your orders")).toBeHidden();
  await own.locator("summary").press("Enter");
  await expect(own.getByText("your orders")).toBeVisible();

  // Other tests look as Ada too, so the demo's own looks may stand further down.
  const older = page.getByRole("link", { name: "Show older looks" });
  while (await older.isVisible()) await page.goto(await older.getAttribute("href"));
  const staff = looks.filter({ hasText: "Niamh from our support team looked at your orders and your addresses." });
  await expect(staff).toContainText("Why: You asked where your parcel was.");
  await expect(staff).toHaveClass("other");
  await expect(looks.filter({ hasText: "The shop till looked at your shop account." })).toHaveCount(1);
  await expect(looks.filter({ hasText: "This portal used your proven e-mail address" })).not.toHaveCount(0);

  await page.goto("/my-data");
  const orders = page.locator(".list").filter({ has: page.getByRole("heading", { name: "Your orders" }) });
  await orders.getByText("Why we hold these").click();
  await expect(orders.getByText(/^Niamh from our support team, on /), "My data says it too").toBeVisible();
});
