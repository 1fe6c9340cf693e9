/** Answers of the gateway itself, as RFC 9457 problems, so that code and models can tell policy from the service. */
export interface Problem {
  readonly status: number
  readonly type: string
  readonly title: string
  readonly detail: string
}

export const denied = (detail: string, status = 403): Problem => ({
  status,
  type: 'urn:recourse:denied',
  title: "Denied by Recourse's policy, not by the service",
  detail,
})

export const approvalNeeded = (detail: string): Problem => ({
  status: 403,
  type: 'urn:recourse:approval-needed',
  title: 'Recourse must ask a person first; this attempt is over',
  detail,
})

export const sessionClosed: Problem = {
  status: 403,
  type: 'urn:recourse:session-closed',
  title: 'This attempt is over; Recourse passes nothing on any more',
  detail: 'The step was closed while or before this request was made.',
}

export const unknownOutcome = (detail: string): Problem => ({
  status: 502,
  type: 'urn:recourse:unknown-outcome',
  title: 'Nobody knows whether the service performed this',
  detail,
})

export const unreachable = (detail: string): Problem => ({
  status: 502,
  type: 'urn:recourse:unreachable',
  title: 'The service gave no usable answer',
  detail,
})

export const unavailable: Problem = {
  status: 503,
  type: 'urn:recourse:unavailable',
  title: 'Recourse itself could not process this',
  detail: 'Whether the effect was performed will be found out by the run.',
}
