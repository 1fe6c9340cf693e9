/** Names of variables that usually hold a credential. */
export const SECRET = /key|token|secret|passw|credential|auth|private|session|cookie/i
