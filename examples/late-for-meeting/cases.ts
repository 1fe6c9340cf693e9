/** What is asked in the demo and in the tests, in this order, and what must come of it. */

export interface Case {
  readonly name: string
  readonly request: string
  /** What the person decides; null: the run never gets that far. */
  readonly decide: 'confirm' | 'undo' | null
  readonly phase: 'confirmed' | 'undone' | 'failed'
  /** Routes of the effects of one execution of the code, `METHOD /path on connector`. */
  readonly effects: readonly string[]
  /** Kinds of what validation must notice. */
  readonly findings: readonly string[]
  readonly recommended: 'confirm' | 'undo' | null
  /** Worst verdict of undoing; null: nothing was undone by a decision. */
  readonly verdict: 'discarded' | 'exact' | null
  /** Mails that really went out. The calendar is always as it was in the end. */
  readonly sent: number
}

const LATE = 'Send a message to my team telling them I will be an hour late at the meeting'

/** The same request thrice: the script's coder answers as intended twice, then clumsily. */
export const cases: readonly Case[] = [
  {
    name: 'intended, confirmed',
    request: LATE,
    decide: 'confirm',
    phase: 'confirmed',
    effects: ['POST /messages on mail'],
    findings: [],
    recommended: 'confirm',
    verdict: null,
    sent: 1,
  },
  {
    name: 'intended, undone',
    request: LATE,
    decide: 'undo',
    phase: 'undone',
    effects: ['POST /messages on mail'],
    findings: [],
    recommended: 'confirm',
    verdict: 'discarded',
    sent: 0,
  },
  {
    name: 'clumsy, undone',
    request: LATE,
    decide: 'undo',
    phase: 'undone',
    effects: ['PATCH /events/{id} on calendar'],
    findings: ['unannounced', 'missing'],
    recommended: 'undo',
    verdict: 'exact',
    sent: 0,
  },
  {
    name: 'failing half-way',
    request: 'Move the team meeting an hour back and tell everyone who attends',
    decide: null,
    phase: 'failed',
    effects: ['POST /messages on mail', 'PATCH /events/{id} on calendar'],
    findings: [],
    recommended: null,
    verdict: null,
    sent: 0,
  },
]
