import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { cases as lateCases } from '../../../examples/late-for-meeting/cases.ts'
import { cases as deskCases } from '../../../examples/support-desk/cases.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { toAgentSnapshot } from '../../../src/config/resolve.ts'
import { createCast } from '../../../src/model/server/cast.ts'
import { loadScript } from '../../../src/model/server/script.ts'
import { checkPlan } from '../../../src/run/check-plan.ts'
import { createVetter } from '../../../src/vetting/vet.ts'

const pathOf = (file: string) => fileURLToPath(new URL(`../../../${file}`, import.meta.url))
const scriptOf = (example: string) => loadScript(pathOf(`examples/${example}/model-script.json`))

describe('late-for-meeting', () => {
  it('answers the cases in their order, and has nothing for the judge', async () => {
    const script = await scriptOf('late-for-meeting')
    const cast = createCast(script)
    const codes = lateCases.map(({ request }) => {
      expect(cast.take('planner', request, request), request).not.toBeNull()
      const reply = cast.take('coder', request, request)?.entry.reply
      return (reply as { code: string } | undefined)?.code
    })
    expect(codes).not.toContain(undefined)
    expect(codes[0]).toBe(codes[1])
    expect(new Set(codes).size).toBe(3)
    expect(script.some((entry) => entry.role === 'judge')).toBe(false)
  })

  it('has code that vetting lets pass', async () => {
    const vet = createVetter()
    for (const { role, reply } of await scriptOf('late-for-meeting')) {
      if (role !== 'coder') continue
      expect(await vet((reply as { code: string }).code, 'python')).toEqual({ permission: 'allow', findings: [] })
    }
  })
})

describe('support-desk', () => {
  it('picks a tool, or none, for every question', async () => {
    const cast = createCast(await scriptOf('support-desk'))
    for (const { request, requests, contains } of deskCases) {
      const routed = cast.take('router', request, request)?.entry.reply as { kind: string } | undefined
      expect(routed?.kind, request).toBe(requests.length > 0 ? 'call' : 'none')
      const read = cast.take('interpreter', request, request)?.entry.reply as { answer: string } | undefined
      for (const text of contains) expect(read?.answer).toContain(text)
    }
  })

  it('lasts for a benchmark', async () => {
    for (const entry of await scriptOf('support-desk')) expect(entry.times).toBeGreaterThanOrEqual(10_000)
  })
})

// The configs import the package by its name, as a user's do: that is the built one.
describe.skipIf(!existsSync(pathOf('dist/index.js')))('configs', () => {
  it('announce routes that exist', async () => {
    const config = await loadConfig(pathOf('examples/late-for-meeting/recourse.config.ts'))
    const agent = toAgentSnapshot(config, 'assistant')
    for (const { role, reply } of await scriptOf('late-for-meeting')) {
      if (role === 'planner') expect(checkPlan(agent, reply)).toMatchObject({ kind: 'ok' })
    }
  })

  it('have the answers that the cases expect', async () => {
    const { agents } = await loadConfig(pathOf('examples/support-desk/recourse.config.ts'))
    const responses = agents['desk']?.responses
    const known = new Set([responses?.default, ...Object.values(responses?.notFound ?? {})])
    for (const { exactly } of deskCases) if (exactly !== null) expect(known).toContain(exactly)
  })
})
