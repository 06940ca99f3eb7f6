// Which package may import which, as rules: `npm run arrows` applies them, type-only imports included.

/** Each package with those of ours that it may import. A package that is not here may import none. */
const arrows = {
  core: [],
  otlp: [],
  postgres: [],
  sdk: ['core', 'otlp'],
  recorder: ['otlp', 'postgres'],
  cli: ['core', 'otlp', 'postgres', 'recorder', 'sdk'],
  'instrumentation-[^/]+': ['core'],
}

// A path may lead through the root's node_modules link and so begin anywhere.
const within = (...packages) => `(?:^|/)packages/(?:${packages.join('|')})/`
const tests = '[.]test[.]ts$'

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...Object.entries(arrows).map(([name, allowed]) => ({
      name: `arrows-of-${name.replace('-[^/]+', '')}`,
      comment:
        allowed.length === 0 ? 'imports no other package of ours' : `imports ${allowed.join(', ')} at most`,
      severity: 'error',
      from: { path: `(?:^|/)packages/(${name})/src/`, pathNot: tests },
      to: { path: '(?:^|/)packages/', pathNot: within('$1', ...allowed) },
    })),
    {
      name: 'arrows-of-a-new-package',
      comment: 'a package says in `arrows` what it may import',
      severity: 'error',
      from: { path: '(?:^|/)packages/([^/]+)/src/', pathNot: [within(...Object.keys(arrows)), tests] },
      to: { path: '(?:^|/)packages/', pathNot: within('$1') },
    },
    {
      name: 'no-inner-parts',
      comment: 'another package is imported by its name: what it exports, nothing else',
      severity: 'error',
      from: { path: '(?:^|/)packages/([^/]+)/src/', pathNot: tests },
      to: { path: '(?:^|/)packages/[^/]+/src/', pathNot: within('$1') },
    },
    {
      name: 'no-inner-parts-in-examples',
      comment: 'an example imports what any user can import',
      severity: 'error',
      from: { path: '(?:^|/)examples/', pathNot: tests },
      to: { path: '(?:^|/)packages/[^/]+/src/' },
    },
    {
      name: 'packages-stand-alone',
      comment: 'what is shipped does not import what is not',
      severity: 'error',
      from: { path: '(?:^|/)packages/[^/]+/src/', pathNot: tests },
      to: { path: `(?:^|/)(?:examples|tests|benchmarks|scripts)/|${tests}`, pathNot: 'node_modules' },
    },
    {
      name: 'declared-dependencies-only',
      comment:
        'shipped code imports what the package.json beside it lists under dependencies or peerDependencies',
      severity: 'error',
      from: { path: '(?:^|/)(?:packages|examples)/[^/]+/src/', pathNot: tests },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'no-cycles',
      comment: 'of two files that import each other neither can be understood first',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'all-found',
      comment:
        'an import that leads nowhere hides an arrow; `npm run build` makes what packages import by name',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    // TypeScript 7 has no compiler API: any other parser skips each .ts file and finds an empty graph in order.
    parser: 'swc',
    // JSX, which swc as it is called here does not read; it is bundled, and may import what the bundle holds alone.
    exclude: { path: ['^packages/recorder/console/'] },
    doNotFollow: { path: ['node_modules', '(?:^|/)dist/'] },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
}
