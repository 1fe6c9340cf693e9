import { z } from 'zod'
import { findBlocks, type Read, readJson, withoutThinking } from '../model/answer.ts'
import { toAgentText, toConnectorsText } from '../model/agent-text.ts'
import { type Asking, type Found, toErrorTurn, toFirstTurn, toFoundPart, toInputPart } from '../model/asking.ts'
import type { AnswerShape, Completion, Turn } from '../model/models.ts'
import { fenceData } from '../model/text.ts'
import type { AgentSnapshot } from '../run/agent.ts'
import { type CodeStep, LANGUAGES, type Language } from '../run/plan.ts'

export interface GenerateArgs {
  readonly agent: AgentSnapshot
  readonly request: string
  readonly input: Record<string, unknown>
  readonly step: CodeStep
  readonly found: readonly Found[]
  /** The code before and why it was not good enough. */
  readonly previous: { readonly code: string; readonly error: string } | null
}

/** Asks for the code of one step; with `previous`, for that code mended. */
export async function generate(asking: Asking, args: GenerateArgs): Promise<Completion<string>> {
  const { agent, request, input, step, found, previous } = args
  const prompt = asking.prompts.coder
  const system = prompt.render({
    agent: toAgentText(agent),
    connectors: toConnectorsText(agent),
    language: step.language,
  })
  const turns: Turn[] = [
    toFirstTurn(request, [
      `Write the program for this step of the plan:\n${fenceData('step', toStepText(step))}`,
      toInputPart(input),
      toFoundPart('The results of the steps before.', found),
    ]),
  ]
  if (previous) {
    turns.push({ from: 'model', text: `\`\`\`${step.language}\n${previous.code}\n\`\`\`` })
    turns.push(toErrorTurn('That program was not good enough. Mend it:', previous.error))
  }
  const { models, signal } = asking
  const schema = SHAPES[step.language]
  return await models.complete({ role: 'coder', system, promptDigest: prompt.digest, turns, schema, signal })
}

/** A step as coder and vetter see it. */
export function toStepText({ id, purpose, language, announce }: CodeStep): string {
  const routes = announce.flatMap((each) => each.routes.map((route) => `- ${route} on ${each.connector}`))
  return [
    `Step ${id}: ${purpose}`,
    `Language: ${language}`,
    'Announced routes:',
    ...(routes.length > 0 ? routes : ['- none']),
  ].join('\n')
}

/** What models call a language in a fence. */
const LABELS: Readonly<Record<Language, readonly string[]>> = {
  python: ['', 'python', 'python3', 'py'],
  javascript: ['', 'javascript', 'js', 'mjs', 'node'],
}

/** Code from `{"code": …}`, or from the one fenced block in this language. */
function readCode(text: string, language: Language): Read<string> {
  const answer = withoutThinking(text)
  const json = readJson(answer, Answer)
  if (json.ok) {
    const given = json.value.language
    if (given !== undefined && !LABELS[language].includes(given.toLowerCase())) {
      return { ok: false, error: `The program is in ${given}; this step is written in ${language}.` }
    }
    return notEmpty(json.value.code)
  }
  // What is meant as the JSON form is told what is wrong with that form.
  if (answer.startsWith('{')) return json
  const all = findBlocks(answer)
  const blocks = all.filter((block) => LABELS[language].includes(block.language))
  const [block] = blocks
  if (block && blocks.length === 1) return notEmpty(block.text)
  if (blocks.length > 1) {
    return {
      ok: false,
      error: `The answer holds ${blocks.length} fenced blocks; answer with exactly one, the whole program.`,
    }
  }
  const other = all[0]?.language
  return {
    ok: false,
    error: other
      ? `The fenced block is in ${other}; this step is written in ${language}.`
      : 'The answer holds no program: answer with {"code": "…"}, or with the program in one fenced block.',
  }
}

const Answer = z.object({ code: z.string(), language: z.string().optional() })

function notEmpty(code: string): Read<string> {
  return code.trim() === '' ? { ok: false, error: 'The program is empty.' } : { ok: true, value: code }
}

function toShape(language: Language): AnswerShape<string> {
  return {
    name: 'program',
    zod: z.string(),
    json: {
      type: 'object',
      properties: { code: { type: 'string', description: `the whole program, in ${language}` } },
      required: ['code'],
      additionalProperties: false,
    },
    fenced: `Answer with the program in one fenced block, and nothing else:\n\`\`\`${language}\n…\n\`\`\``,
    read: (text) => readCode(text, language),
  }
}

const SHAPES = Object.fromEntries(LANGUAGES.map((language) => [language, toShape(language)])) as Readonly<
  Record<Language, AnswerShape<string>>
>
