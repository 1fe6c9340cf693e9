import type { Effect } from '../../run/effect.ts'
import { codeSpan, escapeMarkdown } from '../../run/markdown.ts'
import type { Phase, RunView } from '../../run/view.ts'
import { notUndone, showChange, VERDICTS } from './effect.ts'
import { oneLine, plain } from './text.ts'

const OUTCOMES: Readonly<Record<Phase, string>> = {
  planning: 'It is being planned.',
  acting: 'It is under way.',
  waiting: 'It waits for a decision.',
  confirmed: 'It was confirmed: what it did stays.',
  releasing: 'It was confirmed, and what was held is being sent.',
  undoing: 'It is being undone.',
  undone: 'It was undone.',
  completed: 'It is complete and changed nothing.',
  rejected: 'It was rejected before it went on.',
  cancelled: 'It was cancelled.',
  failed: 'It failed.',
  attention: 'It needs a person: something could not be settled by itself.',
}

/** A run in Markdown, for people who were not there: what was asked, planned, done, noticed, decided, and what is left. */
export function renderReport(run: RunView): string {
  const left = notUndone(run)
  return [
    `# Run ${escape(run.id)}`,
    quoteBlock(run.request),
    [
      `- outcome: **${run.phase}**. ${OUTCOMES[run.phase]}`,
      ...(run.reason === null ? [] : [`- reason: ${escape(run.reason)}`]),
      `- agent: ${escape(run.agent)}`,
      ...(run.requester === null ? [] : [`- requested by: ${escape(run.requester)}`]),
      `- started: ${run.started}`,
      ...(run.settled === null ? [] : [`- settled: ${run.settled}`]),
      ...(run.windowEnds === null ? [] : [`- can be undone until: ${run.windowEnds}`]),
    ].join('\n'),
    section('Answer', run.answer === null ? [] : [quoteBlock(run.answer)]),
    section(
      'Plan',
      run.steps.map((step) => toStep(run, step)),
    ),
    section('What it did', run.effects.length === 0 ? ['Nothing was changed.'] : run.effects.map(toEffect)),
    section(
      'Noticed',
      run.findings.map((finding) => `- ${escape(finding.message)}`),
    ),
    section('Decisions', [...run.decisions.map(toDecided), ...(run.decision === null ? [] : [toOpen(run.decision)])]),
    section('Undo', run.undo === null ? [] : [toUndo(run.undo)]),
    run.undo === null
      ? ''
      : section(
          'What is not undone',
          left.length === 0 ? ['Nothing: every effect is accounted for above.'] : left.map(toLeft),
        ),
    section(
      'Notices',
      run.notices.map((notice) => `- ${escape(notice)}`),
    ),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
}

function toStep(run: RunView, step: RunView['steps'][number]): string {
  const planned = run.plan?.steps.find((each) => each.id === step.id)
  const announced =
    planned?.kind === 'code' && planned.announce.length > 0
      ? planned.announce.map((each) => `${escape(each.connector)}: ${each.routes.map(code).join(', ')}`).join('; ')
      : ''
  const lines = [`- **${step.id}** (${step.kind}, ${step.state}): ${escape(step.purpose)}`]
  if (planned?.kind === 'code') lines.push(`  - announced: ${announced || 'no effects'}`)
  if (planned?.kind === 'tool') lines.push(`  - tool: ${code(planned.tool)}`)
  if (step.error !== null) lines.push(`  - error: ${escape(step.error)}`)
  return lines.join('\n')
}

function toEffect(effect: Effect): string {
  const lines = [
    `- **${effect.id}** ${code(`${effect.request.method} ${effect.request.target}`)} on ${escape(effect.request.connector)}`,
    `  - ${effect.announced ? 'announced' : '**not in the plan**'}`,
    `  - state: ${effect.state}${effect.inferred ? ' (concluded from reading the resource, not from an answer)' : ''}`,
  ]
  if (effect.verdict !== null) lines.push(`  - verdict: ${effect.verdict} (${VERDICTS[effect.verdict]})`)
  if (effect.guard !== null) lines.push(`  - guard: ${effect.guard}`)
  for (const change of effect.diff) lines.push(`  - changed: ${code(showChange(change, 200))}`)
  if (effect.note !== null) lines.push(`  - note: ${escape(effect.note)}`)
  return lines.join('\n')
}

function toDecided(record: RunView['decisions'][number]): string {
  const who = record.answer === 'timeout' ? 'nobody answered in time' : `${record.answer} by ${escape(record.actor)}`
  const proof = record.answer === 'timeout' || record.authenticated ? '' : ' (name not proven)'
  const note = record.note === null ? '' : `: ${escape(record.note)}`
  return `- ${record.id}, ${record.kind}: ${who}${proof}, ${record.answered}${note}`
}

function toOpen(decision: NonNullable<RunView['decision']>): string {
  const advice = decision.recommended === null ? '' : `; recommended: **${decision.recommended}**`
  return `- ${decision.id}, ${decision.kind}: open until ${decision.deadline}, then ${decision.onTimeout}${advice}. ${escape(decision.question)}`
}

function toUndo(undo: NonNullable<RunView['undo']>): string {
  const by = undo.actor === null ? '' : `, by ${escape(undo.actor)}`
  return `Because: ${escape(undo.reason)}${by}. Worst verdict: ${undo.verdict ?? 'not known yet'}.`
}

function toLeft({ effect, why }: ReturnType<typeof notUndone>[number]): string {
  return `- **${effect.id}** ${code(`${effect.request.method} ${effect.request.target}`)} on ${escape(effect.request.connector)}: ${escape(why)}`
}

function section(title: string, items: readonly string[]): string {
  return items.length === 0 ? '' : `## ${title}\n\n${items.join('\n')}`
}

function quoteBlock(text: string): string {
  return plain(text).replaceAll(/^/gm, '> ').replaceAll(/ +$/gm, '')
}

const escape = (text: string) => escapeMarkdown(oneLine(text))

const code = (text: string) => codeSpan(oneLine(text))
