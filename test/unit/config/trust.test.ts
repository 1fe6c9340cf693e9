import { mkdir, mkdtemp, readFile, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ensureTrusted } from '../../../src/config/trust.ts'

let folder: string
let path: string
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'recourse-trust-')))
  path = join(folder, 'recourse.config.ts')
  await writeFile(path, '')
})
afterEach(() => rm(folder, { recursive: true }))

const ensure = (part: Partial<Parameters<typeof ensureTrusted>[0]> = {}) =>
  ensureTrusted({
    path,
    stateDirectory: join(folder, 'state'),
    trust: false,
    ask: null,
    command: 'recourse up --trust',
    ...part,
  })

describe('ensureTrusted', () => {
  it('refuses a config nobody vouched for, and gives the exact command', async () => {
    await expect(ensure()).rejects.toThrow(
      `${path} was never run by you, and a config is code that runs with your rights; read it, then trust it once with: recourse up --trust`,
    )
  })

  it('remembers trust, once given, for that file only and for its owner only', async () => {
    await ensure({ trust: true })
    await ensure()
    await mkdir(join(folder, 'other'))
    await writeFile(join(folder, 'other', 'recourse.config.ts'), '')
    await expect(ensure({ path: join(folder, 'other', 'recourse.config.ts') })).rejects.toThrow(/never run by you/)
    expect((await stat(join(folder, 'state', 'trusted.json'))).mode & 0o077).toBe(0)
  })

  it('asks where somebody is there, and remembers only a yes', async () => {
    const questions: string[] = []
    const ask = (answer: boolean) => async (question: string) => {
      questions.push(question)
      return answer
    }
    await expect(ensure({ ask: ask(false) })).rejects.toThrow(/never run by you/)
    await ensure({ ask: ask(true) })
    await ensure({ ask: ask(false) })
    const question = `${path} is code that will run with your rights. Do you trust it?`
    expect(questions).toEqual([question, question])
  })

  it('looks through links', async () => {
    await symlink(path, join(folder, 'link.ts'))
    await ensure({ trust: true })
    await ensure({ path: join(folder, 'link.ts') })
    expect(await readFile(join(folder, 'state', 'trusted.json'), 'utf8')).not.toContain('link.ts')
  })

  it('does not take a broken store for an empty one', async () => {
    await mkdir(join(folder, 'state'))
    await writeFile(join(folder, 'state', 'trusted.json'), '{')
    await expect(ensure({ trust: true })).rejects.toThrow(/trusted\.json cannot be understood; delete it/)
  })
})
