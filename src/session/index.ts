export { LinkBudget } from './link-budget.ts';
