"""What watches Tierflow: service levels, alerts with their stories, dashboards. Development only, not in the wheel."""
