"""Stacks of CloudFormation: templates, the types of resources, and what a change does in order."""
