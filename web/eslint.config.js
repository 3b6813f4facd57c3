import jsxA11y from 'eslint-plugin-jsx-a11y';
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

/** Imports go app → features → shared, and never sideways between features. */
const features = ['audit', 'balances', 'campaigns', 'coupons', 'expiry', 'approvals', 'imports', 'insights', 'monitoring', 'operations', 'palette', 'redemptions', 'session', 'settings'];

export default tseslint.config(
  { ignores: ['dist', 'node_modules', '**/*.generated.ts', 'scripts', '*.config.*'] },
  ...tseslint.configs.strict,
  jsxA11y.flatConfigs.recommended,
  {
    plugins: { 'react-hooks': reactHooks },
    rules: {
      'react-hooks/rules-of-hooks': 'error',
      'react-hooks/exhaustive-deps': 'error',
      'max-lines': ['error', 500],
      '@typescript-eslint/no-non-null-assertion': 'error',
    },
  },
  { files: ['src/shared/**'], rules: { 'no-restricted-imports': ['error', { patterns: ['**/features/**', '**/app/**'] }] } },
  ...features.map((name) => ({
    files: [`src/features/${name}/**`],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: ['**/app/**', ...features.filter((other) => other !== name).map((other) => `**/${other}/**`)] },
      ],
    },
  })),
);
