// The way in: sign up, forgotten password, log in, log out.
import { COOKIE, PEOPLE, expect, expectNoViolation, fact, test } from "../support.js";

/** Customers whom the demo's shop knows and who have no log-in yet: one for each project, which share a portal. */
const NEWCOMERS = {
  "with JavaScript": { email: "walsh6@example.org", first: "Pedro", last: "Walsh", phone: "+353 20 911 8819" },
  "without JavaScript": { email: "murphy11@example.com", first: "Zofia", last: "Murphy", phone: "+353 20 912 3061" },
};

/** Opens the newest mail to this address, once it is there, and follows its link. */
async function openMail(page, email, subject) {
  const mail = page.getByRole("listitem").filter({ hasText: `To ${email}` }).filter({ hasText: subject });
  await expect(async () => {
    await page.goto("/demo/outbox");
    await expect(mail.first()).toBeVisible({ timeout: 500 });
  }).toPass();
  await mail.first().getByRole("link").click();
}

async function logInByForm(page, { email, password }) {
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("main").getByRole("button", { name: "Log in", exact: true }).click();
}

test.describe.serial("a newcomer", () => {
  test("signs up with an address alone, chooses a password, and sees their own data", async ({ page, javaScriptEnabled }, { project }) => {
    const { email, first, last, phone } = NEWCOMERS[project.name];
    await page.goto("/");
    await page.getByRole("link", { name: "See my data" }).click();
    await page.getByLabel("E-mail address").fill(email);
    await page.getByRole("button", { name: "Send me the link" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Check your mail");
    expect(page.url()).not.toContain("example");

    await openMail(page, email, /./);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Choose a password");
    if (javaScriptEnabled) await expectNoViolation(page);
    await page.getByLabel("New password").fill("a-lamp-in-the-hallway");
    await page.getByRole("button", { name: "Save my password" }).click();
    await expect(page.getByText("Your password is saved.")).toBeVisible();

    await logInByForm(page, { email, password: "a-lamp-in-the-hallway" });
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^We hold \d+ facts about you$/);
    await expect(fact(page, "First name").locator(".value")).toHaveText(first);
    await expect(fact(page, "Last name").locator(".value")).toHaveText(last);
    await expect(fact(page, "Phone number").locator(".value")).toHaveText(phone);
  });

  test("forgets the password and chooses another; the link then has ended", async ({ page }, { project }) => {
    const { email } = NEWCOMERS[project.name];
    await page.goto("/log-in");
    await page.getByRole("link", { name: "I forgot my password" }).click();
    await page.getByLabel("E-mail address").fill(email);
    await page.getByRole("button", { name: "Send me the link" }).click();
    await openMail(page, email, "new password");
    const link = page.url();
    await page.getByLabel("New password").fill("a-boat-on-the-shelf");
    await page.getByRole("button", { name: "Save my password" }).click();

    await logInByForm(page, { email, password: "a-lamp-in-the-hallway" });
    await expect(page.getByRole("alert")).toBeVisible();
    await logInByForm(page, { email, password: "a-boat-on-the-shelf" });
    await expect(page).toHaveURL(/\/my-data$/);

    await page.goto(link);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("This link has ended");
  });
});

test("a mistake at the log-in keeps what was typed, and its summary leads to the field", async ({ page }) => {
  await page.goto("/log-in");
  await logInByForm(page, { email: PEOPLE.ben.email, password: "not-this-one" });
  const summary = page.getByRole("alert");
  await expect(summary).toContainText("There is a problem");
  await expect(page.getByLabel("E-mail address")).toHaveValue(PEOPLE.ben.email);
  await expect(page.getByLabel("Password", { exact: true })).toHaveValue("");
  await summary.getByRole("link").click();
  await expect(page.getByLabel("E-mail address")).toBeFocused();
  expect(await page.content()).not.toContain("not-this-one");
});

test("a mistake in the address is told beside the field, which keeps it", async ({ page }) => {
  await page.goto("/sign-up");
  const field = page.getByLabel("E-mail address");
  // The browser's own check lets this through: it asks for no dot.
  await field.fill("ada@nowhere");
  await page.getByRole("button", { name: "Send me the link" }).click();
  await expect(field).toHaveValue("ada@nowhere");
  await expect(field).toHaveAttribute("aria-invalid", "true");
  await expect(field).toHaveAccessibleDescription(/\w+/);
  await page.getByRole("alert").getByRole("link").click();
  await expect(field).toBeFocused();
});

test("the log-in leads back to where one wanted to go, and the log-out closes the door", async ({ page, context }) => {
  await page.goto("/who-looked");
  await expect(page).toHaveURL(/\/log-in\?next=\/who-looked$/);
  await logInByForm(page, PEOPLE.cleo);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Who looked");
  const [cookie] = await context.cookies();

  await page.getByRole("button", { name: "Log out" }).click();
  await expect(page.getByText("You are logged out.")).toBeVisible();
  await page.goto("/my-data");
  await expect(page).toHaveURL(/\/log-in/);
  await context.addCookies([cookie]);
  await page.goto("/my-data");
  await expect(page, "the old cookie opens nothing").toHaveURL(/\/log-in/);
});

test("the password can be shown while one types it", async ({ page, javaScriptEnabled }) => {
  await page.goto("/log-in");
  const button = page.getByRole("button", { name: "Show what I type" });
  const field = page.getByLabel("Password", { exact: true });
  if (javaScriptEnabled) {
    await button.click();
    await expect(field).toHaveAttribute("type", "text");
    await expect(button).toHaveAttribute("aria-pressed", "true");
    await button.click();
    await expect(field).toHaveAttribute("type", "password");
  } else {
    await expect(button, "a button that does nothing is not there").toBeHidden();
  }
});

test("the two cookies are out of reach for scripts, other sites, and plain connections", async ({ page, context }) => {
  await page.goto("/");
  expect(await context.cookies(), "a visitor gets none").toEqual([]);
  await page.goto("/log-in");
  await logInByForm(page, PEOPLE.ben);
  await expect(page).toHaveURL(/\/my-data$/);
  const cookies = await context.cookies();
  expect(cookies.map((cookie) => cookie.name).sort()).toEqual([COOKIE, `${COOKIE}-device`]);
  for (const cookie of cookies)
    expect(cookie).toMatchObject({ httpOnly: true, secure: true, sameSite: "Lax", path: "/", domain: "127.0.0.1" });
});
