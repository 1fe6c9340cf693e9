import type { Effect } from './effect.ts'
import { codeSpan, escapeMarkdown } from './markdown.ts'
import type { Decision, RunView } from './view.ts'

const MOST_EFFECTS = 50
const MOST_CHANGES = 5

/** One effect in a line, for models. */
export function describeEffect(effect: Effect): string {
  const plan = effect.announced ? '' : ', **not in the plan**'
  const verdict = effect.verdict ? `, ${effect.verdict}` : ''
  const changes = effect.diff.map(
    (change) => `${change.path || 'body'}: ${change.before ?? 'nothing'} → ${change.after ?? 'nothing'}`,
  )
  const more = changes.length > MOST_CHANGES ? '; …' : ''
  const diff = changes.length > 0 ? ` (${changes.slice(0, MOST_CHANGES).join('; ')}${more})` : ''
  return `${effect.id} \`${effect.request.method} ${effect.request.target}\` on ${effect.request.connector}: ${effect.state}${verdict}${plan}${diff}`
}

/**
 * A run in Markdown, as the Temporal Web UI shows it under "current details". First what an operator has to do, then what
 * was asked, planned, done and read back.
 */
export function describeRun(run: RunView): string {
  const lines = [
    `**${run.phase}** · agent ${text(run.agent, 80)}${run.requester === null ? '' : ` · for ${text(run.requester, 80)}`}`,
    '',
    ...run.request
      .slice(0, 500)
      .split('\n')
      .map((line) => `> ${escapeMarkdown(line)}`),
  ]
  const section = (title: string, items: readonly string[]) => {
    if (items.length > 0) lines.push('', `### ${title}`, '', ...items)
  }
  if (run.decision) section('Waiting for a decision', toDecision(run, run.decision))
  if (run.reason !== null) section('Why it is so', [text(run.reason, 2000)])
  section(
    'Plan',
    run.steps.map((step) => {
      const error = step.error === null ? '' : `: ${text(step.error, 300)}`
      return `- **${step.id}** (${step.kind}, ${step.state}): ${text(step.purpose, 500)}${error}`
    }),
  )
  const more = run.effects.length - MOST_EFFECTS
  section('What it did', [
    ...run.effects.slice(-MOST_EFFECTS).map(toEffect),
    ...(more > 0 ? [`- and ${more} earlier ones: ${codeSpan(`recourse show ${run.id}`)}`] : []),
  ])
  section(
    'Noticed',
    run.findings.slice(0, MOST_EFFECTS).map((finding) => `- ${text(finding.message, 300)}`),
  )
  section(
    'Decided',
    run.decisions.map(({ id, kind, answer, actor, answered, note }) => {
      const who = answer === 'timeout' ? 'nobody answered in time' : `${answer}, by ${text(actor, 80)}`
      return `- ${id} (${kind}): ${who}, ${answered}${note === null ? '' : `: ${text(note, 300)}`}`
    }),
  )
  if (run.undo) {
    const { reason, actor, verdict, failures } = run.undo
    section('Undo', [
      `- why: ${text(reason, 300)}${actor === null ? '' : ` (${text(actor, 80)})`}`,
      `- verdict: ${verdict === null ? 'not known yet' : `**${verdict}**`}`,
      ...failures.map((each) => `- **NOT UNDONE** ${each.effect}: ${each.verdict}: ${text(each.note, 300)}`),
    ])
  }
  section(
    'Notices',
    run.notices.map((notice) => `- ${text(notice, 300)}`),
  )
  if (run.answer !== null) section('Answer', [text(run.answer, 2000)])
  if (run.windowEnds !== null && (run.phase === 'confirmed' || run.phase === 'attention')) {
    lines.push('', `Can be undone until ${run.windowEnds}: ${codeSpan(toSignal(run, 'undo'))}`)
  }
  return lines.join('\n')
}

function toDecision(run: RunView, decision: Decision): string[] {
  const { id, digest, kind, deadline, onTimeout, recommended } = decision
  const bind = `--decision ${id} --digest ${digest}`
  const keep = kind === 'confirm' ? 'confirm' : 'approve'
  return [
    text(decision.question, 2000),
    '',
    ...(recommended === null ? [] : [`- recommended: **${recommended}**`]),
    `- undo everything: ${codeSpan(toSignal(run, 'undo'))}, or "Send a Signal" with the name ${codeSpan('undo')} here`,
    `- ${kind === 'confirm' ? 'keep it' : 'let it go on'}: ${codeSpan(`recourse ${keep} ${run.id} ${bind}`)}`,
    `- without an answer by ${deadline}: **${onTimeout}**`,
  ]
}

const toSignal = (run: RunView, name: string) => `temporal workflow signal --workflow-id ${run.id} --name ${name}`

/** On one line: the Web UI does not indent lists in lists. */
function toEffect(effect: Effect): string {
  const { method, target, connector } = effect.request
  const stands = effect.verdict === null || effect.verdict === effect.state ? '' : `, **${effect.verdict}**`
  const plan = effect.announced ? '' : ', **not in the plan**'
  const changes = effect.diff
    .slice(0, MOST_CHANGES)
    .map(
      ({ path, before, after }) =>
        `${text(path, 80) || 'body'} ${codeSpan(line(before ?? 'nothing', 120))} → ${codeSpan(line(after ?? 'nothing', 120))}`,
    )
  const more = effect.diff.length - MOST_CHANGES
  return [
    `- **${effect.id}** ${codeSpan(line(`${method} ${target}`, 200))} on ${connector}: ${effect.state}${stands}${plan}`,
    ...changes,
    ...(more > 0 ? [`${more} more changes`] : []),
    ...(effect.note === null ? [] : [text(effect.note, 300)]),
  ].join('; ')
}

/** One line of at most so many characters. */
function line(value: string, most: number): string {
  const flat = value.replaceAll(/\s+/g, ' ').trim()
  return flat.length > most ? `${flat.slice(0, most - 1)}…` : flat
}

const text = (value: string, most: number) => escapeMarkdown(line(value, most))
