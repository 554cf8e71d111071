/** Who makes changes: the account of the machine that the app runs under. */
import { userInfo } from 'node:os';

/** Some accounts have no name, in containers for instance. */
export function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'person';
  }
}
