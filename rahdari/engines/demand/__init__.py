"""Traffic that people, schools, clinics, enterprises and sites ask for, by place, service and year."""
