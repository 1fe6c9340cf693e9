/**
 * No place to run code could be had: the engine is down, the image is missing, the gateway's socket is gone. Nothing of the
 * job has run, so trying again later is safe.
 */
export class SandboxUnavailable extends Error {
  override readonly name = 'SandboxUnavailable'
  readonly code = 'SANDBOX_UNAVAILABLE'
}

/** The place where code ran was taken away in the middle. The code is not to blame, and nobody knows what it did last. */
export class SandboxLost extends Error {
  override readonly name = 'SandboxLost'
  readonly code = 'SANDBOX_LOST'
}
