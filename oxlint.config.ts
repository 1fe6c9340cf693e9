import { defineConfig } from 'oxlint'

/**
 * Which folder of src/ may import which others, `run/` and itself aside. Everything else is an error, so that a role can be
 * confined to its process and a part understood by itself.
 */
const folders: Record<string, readonly string[]> = {
  run: [],
  workflows: [],
  client: [],
  blobs: [],
  redaction: [],
  policy: [],
  model: ['blobs', 'redaction'],
  planning: ['blobs', 'redaction', 'model'],
  coding: ['blobs', 'redaction', 'model'],
  vetting: ['blobs', 'redaction', 'model'],
  sandbox: ['blobs'],
  egress: ['blobs', 'redaction'],
  config: ['model', 'policy'],
  setup: ['config'],
  api: ['client', 'config'],
  cli: ['client', 'config', 'setup', 'model', 'worker'],
}
const everyFolder = [...Object.keys(folders), 'activities', 'worker']

/** Activities by role: each sees its own role's folders. */
const roles: Record<string, readonly string[]> = {
  model: ['blobs', 'redaction', 'policy', 'model', 'planning', 'coding', 'vetting'],
  sandbox: ['blobs', 'sandbox'],
  egress: ['blobs', 'redaction', 'policy', 'egress'],
  run: ['blobs', 'policy', 'config'],
}

/** Packages that belong to one folder. */
const packages: Record<string, string> = {
  dockerode: 'sandbox',
  openai: 'model',
  '@temporalio/worker': 'worker',
  '@temporalio/workflow': 'workflows',
}

/** Folders whose code must give the same result when it is replayed. */
const deterministic = ['run', 'workflows']
/** Folders that may name the types of others: what is erased confines nobody. */
const typesOfOthers = ['workflows', 'activities', 'client']

function boundary(folder: string, allowed: readonly string[], files = [`src/${folder}/**`]) {
  const closed = everyFolder.filter((other) => other !== folder && other !== 'run' && !allowed.includes(other))
  const foreign = Object.keys(packages).filter((name) => packages[name] !== folder)
  const patterns = [
    {
      regex: `^(\\.\\./)+(${closed.join('|')})/`,
      message: `${folder}/ may import run/${allowed.map((name) => `, ${name}/`).join('')} only (oxlint.config.ts)`,
      ...(typesOfOthers.includes(folder) ? { allowTypeImports: true } : {}),
    },
    {
      regex: `^(${foreign.map((name) => name.replaceAll('/', '\\/')).join('|')})(/|$)`,
      message: 'this package is used in one folder only (oxlint.config.ts)',
    },
    ...(deterministic.includes(folder)
      ? [{ regex: '^node:', message: `${folder}/ is deterministic: nothing of Node (oxlint.config.ts)` }]
      : []),
  ]
  return { files, rules: { 'no-restricted-imports': ['error' as const, { patterns }] as const } }
}

export default defineConfig({
  plugins: ['typescript', 'import', 'node', 'oxc', 'promise'],
  categories: { correctness: 'error' },
  ignorePatterns: ['dist', 'src/sandbox/image', 'test/replay/histories'],
  rules: {
    'no-console': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/no-floating-promises': 'error',
    'import/no-default-export': 'error',
    // Not mistakes here: objects of functions without `this`, sorting strings, spreading text that is ASCII by its grammar,
    // and patterns that are about control characters.
    'typescript/unbound-method': 'off',
    'typescript/require-array-sort-compare': 'off',
    'typescript/no-misused-spread': 'off',
    'no-control-regex': 'off',
    'no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
  },
  overrides: [
    { files: ['src/**'], rules: { 'node/no-process-env': 'error' } },
    { files: ['src/config/**'], rules: { 'node/no-process-env': 'off' } },
    { files: ['src/cli/**', 'src/demo.ts', 'bench/**', 'examples/**', 'scripts/**'], rules: { 'no-console': 'off' } },
    { files: ['**/*.config.ts'], rules: { 'import/no-default-export': 'off' } },
    ...Object.entries(folders).map(([folder, allowed]) => boundary(folder, allowed)),
    boundary('activities', []),
    ...Object.entries(roles).map(([role, allowed]) => boundary('activities', allowed, [`src/activities/${role}.ts`])),
    boundary(
      'worker',
      everyFolder.filter((folder) => folder !== 'worker'),
    ),
  ],
})
