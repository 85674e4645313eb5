// Plain old JavaScript: it must run on the very versions it turns away.
var wanted = require('../package.json').engines.node.replace('>=', '');
var have = process.versions.node;

function parts(version) {
  return version.split('.').map(Number);
}

var low = parts(wanted);
var mine = parts(have);
var difference = mine[0] - low[0] || mine[1] - low[1] || mine[2] - low[2];
if (difference < 0) {
  console.error(
    'Node.js ' + have + ' is too old: install version ' + wanted + ' or later, for example with `nvm install 20`',
  );
  process.exit(1);
}
