// Deletes the data of the portal that the tests started.
import { rmSync } from "node:fs";

export default function teardown() {
  rmSync(process.env.FAIRHOLD_E2E_DATA, { recursive: true, force: true });
}
