// Other addresses and numbers, from the form to My data, and another address to log in with.
import { card, expect, expectNoViolation, fact, test } from "../support.js";

/** A customer of the demo's shop without a log-in, and an address that is nobody's: one for each project. */
const NEWCOMERS = {
  "with JavaScript": { own: "vera.js@example.org", shop: "walsh66@example.net", phone: "087 123 4567" },
  "without JavaScript": { own: "vera.plain@example.org", shop: "murphy61@example.net", phone: "087 765 4321" },
};
const PASSWORD = "a-kettle-under-the-stairs";

/** The newest message to somebody in the demo's outbox, once it is there. */
async function messageTo(page, to, words) {
  const message = page.getByRole("listitem").filter({ hasText: `To ${to}` }).filter({ hasText: words });
  await expect(async () => {
    await page.goto("/demo/outbox");
    await expect(message.first()).toBeVisible({ timeout: 500 });
  }).toPass();
  return message.first();
}

/** Adds one by the form of that heading, and types the code that was sent. */
async function add(page, { heading, label, value, to, look }) {
  await page.goto("/account/contacts");
  const form = page.locator("form.card").filter({ has: page.getByRole("heading", { name: heading, exact: true }) });
  await form.getByLabel(label).fill(value);
  await form.getByRole("button").click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Type your code");
  await look?.();
  const asks = page.url();
  expect(asks).not.toContain(value);
  const code = (await (await messageTo(page, to, "your code for")).innerText()).match(/\b\d{6}\b/)[0];
  await page.goto(asks);
  await page.getByLabel("Code").fill(code);
  await page.getByRole("button", { name: "This is my code" }).click();
  await expect(page.getByText("It is yours now.")).toBeVisible();
}

test("another address and a number are proven, shown, and one becomes the log-in", async ({ page, javaScriptEnabled }, { project }) => {
  const { own, shop, phone } = NEWCOMERS[project.name];
  const look = async () => javaScriptEnabled && expectNoViolation(page);
  await page.goto("/sign-up");
  await page.getByLabel("E-mail address").fill(own);
  await page.getByRole("button", { name: "Send me the link" }).click();
  await (await messageTo(page, own, "See what")).getByRole("link").click();
  await page.getByLabel("New password").fill(PASSWORD);
  await page.getByRole("button", { name: "Save my password" }).click();
  await page.getByLabel("E-mail address").fill(own);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("main").getByRole("button", { name: "Log in", exact: true }).click();

  await add(page, { heading: "Add an address", label: "E-mail address", value: shop, to: shop, look });
  await look();
  await page.goto("/my-data");
  await expect(fact(page, "Other e-mail addresses").locator(".value")).toHaveText(shop);

  await add(page, { heading: "Add a number", label: "Phone number", value: phone, to: `+353${phone.replaceAll(" ", "").slice(1)}`, look });
  await page.goto("/my-data");
  await expect(fact(page, "Phone numbers").locator(".value")).toContainText("+353");

  await page.goto("/account/contacts");
  await page.getByRole("button", { name: `Log in with this one: ${shop}` }).click();
  await expect(page.getByText("From now on you log in with this address.")).toBeVisible();
  await expect(card(page, "You log in with")).toContainText(shop);
  await expect(card(page, "Also yours")).toContainText(own);
  await expect(await messageTo(page, own, "was changed")).toContainText("three days");
  await page.goto("/account/contacts");
  await page.getByRole("button", { name: `Remove ${own}` }).click();
  await expect(page.getByText("It is removed.")).toBeVisible();
});

test("what is no address is said beside the field, and stays in it", async ({ page, logIn, javaScriptEnabled }) => {
  await logIn("ben");
  await page.goto("/account/contacts");
  await page.getByLabel("Phone number").fill("12");
  await page.getByRole("button", { name: "Text me a code" }).click();
  await expect(page.getByRole("alert")).toContainText("We know no phone number like this.");
  await expect(page.getByLabel("Phone number")).toHaveValue("12");
  if (javaScriptEnabled) await expectNoViolation(page);
});
