"""The pages: views that ask a query, call one service and answer with a template."""
