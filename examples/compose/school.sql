-- What the cache stands in front of: run once, when the database is made.
CREATE TABLE student (name VARCHAR(64) PRIMARY KEY, score INT NOT NULL);

INSERT INTO student VALUES ('Tom', 630), ('Jack', 589), ('Sam', 567);

-- And a thousand more, student-1 to student-1000.
INSERT INTO student SELECT CONCAT('student-', seq), 300 + seq % 400 FROM seq_1_to_1000;
