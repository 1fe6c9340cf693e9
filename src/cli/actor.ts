import { userInfo } from 'node:os'

/** Who decides, as far as this machine knows; recorded, and proof of nothing. */
export function defaultActor(): string {
  try {
    return userInfo().username
  } catch {
    // A container may run under a number that has no name.
    return String(process.getuid?.() ?? 'unknown')
  }
}
