// Mocha loads test files with `require` wherever that can load ES modules. Then tests are CommonJS to tsx, and what the
// product imports lazily exists twice. Made to believe that it cannot, Mocha imports them.
Object.defineProperty(process.features, 'require_module', { value: false });
