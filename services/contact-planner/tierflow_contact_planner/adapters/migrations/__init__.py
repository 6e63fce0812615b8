"""The steps of the schema of contact-planner; one module each, named r0001, r0002 and so on."""
