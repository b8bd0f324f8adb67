# Managed by copier-mlops: an update merges with your edits.
# What is required of the software, the image and the operation of a model.
package compliance

import rego.v1

proven contains "licences" if count(input.packages.serve) > 0

problem contains {"requirement": "licences", "subject": name, "line": line} if {
	some name, found in input.packages.serve
	some term in split(found.licence, " AND ")
	not is_allowed(term)
	line := sprintf("%s is not in `licences` of config/compliance.yaml", [found.licence])
}

# One of several alternatives is enough.
is_allowed(term) if {
	some one in split(trim(term, "()"), " OR ")
	some start in input.rules.licences
	startswith(lower(one), lower(start))
}

proven contains "bill-of-materials" if {
	input.sbom.components > 0
	count(input.sbom.sha256) == 64
}

proven contains "image" if {
	startswith(input.image.digest, "sha256:")
	input.image.problem == ""
}

problem contains {"requirement": "image", "subject": "digest", "line": line} if {
	not startswith(input.image.digest, "sha256:")
	line := sprintf("%s runs %s by a tag, which can be moved", [input.environment, input.image.name])
}

problem contains {"requirement": "image", "subject": "signature", "line": input.image.problem} if input.image.problem != ""

proven contains "retention" if {
	input.retention.keep_days > 0
	input.retention.keep_days <= input.rules.max_keep_days
}

problem contains {"requirement": "retention", "subject": "prediction log", "line": line} if {
	input.retention.keep_days > input.rules.max_keep_days
	line := sprintf("kept for %d days, allowed are %d", [input.retention.keep_days, input.rules.max_keep_days])
}

problem contains {"requirement": "retention", "subject": name, "line": line} if {
	some name, column in input.columns
	column.personal == true
	column.feature == true
	not name in input.retention.leave_out
	line := "personal data is in the prediction log: list it under `leave_out` in config/prediction_log.yaml"
}

proven contains "drills" if count(input.rules.drills) > 0

problem contains {"requirement": "drills", "subject": name, "line": "there is no evidence of it"} if {
	some name in input.rules.drills
	not input.drills[name]
}

problem contains {"requirement": "drills", "subject": name, "line": "the system did not recover"} if {
	some name in input.rules.drills
	input.drills[name].recovered == false
}

problem contains {"requirement": "drills", "subject": name, "line": line} if {
	some name in input.rules.drills
	input.drills[name].age_days > input.rules.max_drill_days
	line := sprintf("the last one was %d days ago", [input.drills[name].age_days])
}
