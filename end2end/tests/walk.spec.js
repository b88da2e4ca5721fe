// The whole way of a customer: from the page to join, over two answers, to the first reward, out again, and all of it erased.
import { expect, expectNoViolation, fresh, linkTo, test } from "../support.js";

const PASSWORD = "from-the-door-to-the-tree";

test("somebody joins, shares, takes a reward, leaves and is erased", async ({ page, javaScriptEnabled }) => {
  test.setTimeout(120_000);
  const address = fresh();
  const heading = (name) => expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  const press = (name) => page.getByRole("main").getByRole("button", { name, exact: true }).click();

  await page.goto("/join/club");
  await page.getByLabel("E-mail address").fill(address);
  await page.getByLabel("Nickname").fill("Wren");
  await press("Send me the link");
  await page.goto(await linkTo(page, address));
  await expect(page.getByText("We will call you Wren")).toBeVisible();
  await press("Yes, I join");
  await page.getByRole("link", { name: "Choose a password" }).click();
  await page.getByLabel("New password").fill(PASSWORD);
  await press("Save my password");
  await page.getByLabel("E-mail address").fill(address);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await press("Log in");

  // Nothing is asked of somebody before a day has passed, but everything can be picked.
  await page.goto("/rewards");
  await expect(page.getByRole("main")).toContainText("20 points");
  const answer = async (question, fill) => {
    await page.goto("/share");
    const link = page.getByRole("link", { name: question });
    if (!(await link.isVisible())) await page.getByText("Everything you could share").click();
    await link.click();
    await heading(question);
    await fill();
    await press("Yes");
    await expect(page.getByRole("status")).toContainText("the points for it are yours");
  };
  await answer("What do you like to drink, and how do you make it?", async () => {
    await page.getByLabel("Tea", { exact: true }).check();
    await page.getByRole("checkbox").first().check();
  });
  await answer("What would you like to find on our shelves?", () => page.getByLabel("Your wish for the shop").fill("Rooibos"));

  await page.goto("/rewards");
  await expect(page.getByRole("main")).toContainText("60 points");
  if (javaScriptEnabled) await expectNoViolation(page, "points");
  const tree = page.locator("section, li, form", { hasText: "A tree in Wicklow" }).filter({ has: page.getByRole("button") }).last();
  await tree.getByRole("button").click();
  await heading("Thank you");
  await expect(page.getByRole("main")).toContainText("A tree in Wicklow");

  await page.goto("/join/club");
  await page.getByRole("main").getByRole("button", { name: "Leave" }).click();
  await expect(page.getByText("you can still spend them")).toBeVisible();
  await page.goto("/permissions");
  await expect(page.locator("#your_offers")).toContainText("You said yes today");

  await page.goto("/delete");
  await expect(page.getByRole("main")).toContainText("Your points and rewards");
  await page.getByLabel("I know that this can not be undone.").check();
  await press("Erase it now");
  await heading("We are erasing your data");
  let link;
  await expect(async () => {
    await page.goto("/demo/outbox");
    const mail = page.locator("li.card", { hasText: address }).first();
    link = (await mail.innerText({ timeout: 1000 })).match(/\/certificates\/\S+/)[0];
  }).toPass();
  await page.goto("/my-data");
  await heading("Log in");
  await page.goto(link);
  const text = await page.locator("body").innerText();
  expect(text).toContain("Certificate of erasure");
  expect(text).not.toContain(address);
  await page.goto("/certificates");
  await page.getByLabel("The whole text of the certificate").fill(`${text}\n`);
  await press("Check it");
  await expect(page.getByRole("status")).toContainText("This certificate is genuine");
});
