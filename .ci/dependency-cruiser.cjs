// The layers of the design: an import may only go to a layer named in `allowed`.
const layers = {
  core: [],
  net: ['core'],
  intercept: ['net', 'core'],
  ingress: ['intercept', 'net', 'core'],
  ssh: ['net', 'core'],
  dns: ['net', 'core'],
  openstack: ['net', 'core'],
  bastion: ['ssh', 'net', 'core'],
  tunnel: ['ingress', 'ssh', 'dns', 'net', 'core'],
  config: ['intercept/rules', 'net', 'core'],
  daemon: ['tunnel', 'config', 'net', 'core'],
  app: ['daemon', 'tunnel', 'config', 'openstack', 'ingress', 'intercept', 'ssh', 'dns', 'net', 'core'],
  cli: ['app', 'daemon', 'tunnel', 'config', 'openstack', 'bastion', 'ingress', 'intercept', 'ssh', 'dns', 'net', 'core'],
};

/** The rooms of net, in the same way. */
const roomsOfNet = {
  address: [],
  messages: ['address'],
  native: ['address'],
  sockets: ['native', 'address'],
  machine: ['sockets', 'messages', 'native', 'address'],
};

const importsDownwards = (within, folders) =>
  Object.entries(folders).map(([folder, allowed]) => ({
    name: `${folder}-imports-downwards`,
    severity: 'error',
    from: { path: `^${within}${folder}/` },
    to: { path: `^${within}`, pathNot: `^${within}(${[folder, ...allowed].join('|')})/` },
  }));

const downwards = [...importsDownwards('src/', layers), ...importsDownwards('src/net/', roomsOfNet)];

const onlyFrom = (packageName, path) => ({
  name: `${packageName}-only-in-its-place`,
  severity: 'error',
  from: { path: '^src/', pathNot: path },
  to: { path: `^node_modules/${packageName}/` },
});

module.exports = {
  forbidden: [
    ...downwards,
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    // Of folders of which none holds another: dependency-cruiser counts as a folder's own what is in the folders within. So it
    // does not see knots of a folder and what it holds: cli with commands, doctor, hosting, manual. What is loose in ssh, intercept and
    // dns is below their rooms, but for the few files that choose among these.
    { name: 'no-folder-cycles', scope: 'folder', severity: 'error', from: {}, to: { circular: true } },
    onlyFrom('ssh2', '^src/ssh/(keys/private-key|ssh2/(connection|internals)/)'),
    onlyFrom('@noble', '^src/ssh/ssh2/key-exchange/'),
    onlyFrom('socks', '^src/ssh/'),
    onlyFrom('koffi', '^src/net/native/'),
    onlyFrom('dns-packet', '^src/dns/'),
    onlyFrom('ip-num', '^src/net/address/'),
    onlyFrom('valibot', '^src/openstack/'),
    onlyFrom('yaml', '^src/(config/profiles|openstack)/'),
    onlyFrom('commander', '^src/cli/'),
    onlyFrom('prom-client', '^src/app/metrics/'),
    onlyFrom('pino', '^src/app/log/'),
    onlyFrom('pino-pretty', '^src/app/log/'),
    {
      name: 'root-helper-is-auditable',
      comment: 'Whatever runs as root may use no npm package but koffi (through net/native/).',
      severity: 'error',
      from: { path: '^src/intercept/root/(main|guardian/guardian)\\.ts$' },
      to: { reachable: true, path: '^node_modules/(?!koffi|@types|@koromix)' },
    },
    {
      name: 'root-is-a-folder-of-its-own',
      comment: 'Nothing else of ours is in it, and what runs as root has no more of interception than the rules and the protocol.',
      severity: 'error',
      from: { path: '^src/intercept/root/' },
      to: { path: '^src/intercept/', pathNot: '^src/intercept/(root|rules|protocol)/' },
    },
    {
      name: 'root-is-nobody-elses',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/intercept/root/' },
      to: { path: '^src/intercept/root/' },
    },
    {
      name: 'shipped-code-uses-shipped-packages',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'unknown', 'undetermined'], pathNot: '@types' },
    },
    {
      name: 'bench-shares-the-lab',
      comment: 'Of the tests, bench has the lab and the child processes in it, and these have nothing of the tests.',
      severity: 'error',
      from: { path: '^(bench|test/support/(lab|process))/' },
      to: { path: '^(test/|node_modules/vitest/)', pathNot: '^test/support/(lab|process)/' },
    },
    { name: 'tests-stay-outside', severity: 'error', from: { path: '^src/' }, to: { path: '^(test|bench)/' } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
};
